using System.Text.Json;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Identity.External;
using LlmAspire.ServiceDefaults.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Http;

/// <summary>Answers exceptions as problem details, whatever the client accepts, and shows nothing of the inside.</summary>
internal sealed class ProblemExceptionHandler : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        var problem = exception switch
        {
            BadHttpRequestException refused => Explain(httpContext, refused),
            _ when DatabaseAwayException.IsMeantBy(exception) => Problems.Create(
                httpContext, StatusCodes.Status503ServiceUnavailable, "database_unavailable", "The database does not answer.",
                "Try again in a few seconds.", TimeSpan.FromSeconds(5)),
            ProviderAwayException => Problems.Create(
                httpContext, StatusCodes.Status503ServiceUnavailable, "identity_provider_unavailable", "Your sign-in cannot be checked now.",
                "The identity provider of this installation does not answer. Try again in a few seconds.", TimeSpan.FromSeconds(5)),
            _ => Problems.ForStatus(httpContext, StatusCodes.Status500InternalServerError),
        };
        await problem.ExecuteAsync(httpContext);
        return true;
    }

    private static ProblemHttpResult Explain(HttpContext context, BadHttpRequestException refused) => refused switch
    {
        { StatusCode: StatusCodes.Status413PayloadTooLarge } => Problems.TooLarge(context),
        { StatusCode: not StatusCodes.Status400BadRequest } => Problems.ForStatus(context, refused.StatusCode),
        { InnerException: JsonException { InnerException: JsonException or null } json } when IsSyntax(json) => Problems.Create(
            context, StatusCodes.Status400BadRequest, "json_invalid", "The body is not valid JSON.",
            $"{Sentence(json)} Look at line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}."),
        { InnerException: JsonException json } when StrictJson.FindRepeatedName(json) is { } name => Problems.Create(
            context, StatusCodes.Status400BadRequest, "json_repeated", $"The body names '{name}' twice.",
            $"Look at {Place(json)}: leave one of the two out. Names that differ only in case are the same."),
        { InnerException: JsonValueException json } => Unexpected(context, $"Look at {Place(json)}: {json.Message}."),
        { InnerException: JsonException json } => Unexpected(
            context, $"Look at {Place(json)}: the value there is of the wrong kind. GET /openapi/v1.json describes it."),
        _ => Problems.Create(
            context, StatusCodes.Status400BadRequest, "bad_request", "The request is not valid.",
            "Send what GET /openapi/v1.json describes; an endpoint that takes a body needs one."),
    };

    private static ProblemHttpResult Unexpected(HttpContext context, string detail) => Problems.Create(
        context, StatusCodes.Status400BadRequest, "json_unexpected", "The body does not have the expected form.", detail);

    private static string Place(JsonException json) => string.IsNullOrEmpty(json.Path) ? "$" : json.Path;

    // The reader's own exception type is internal. It tells of text that is no JSON, its wrapper of JSON that does not fit.
    private static bool IsSyntax(JsonException json) => json.InnerException is JsonException;

    // "'h' is an invalid start of a value. Path: $ | LineNumber: 0 | BytePositionInLine: 1." – the place is said in our words.
    private static string Sentence(JsonException json)
    {
        var message = json.InnerException!.Message;
        var end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
