using System.Diagnostics;
using System.Globalization;
using LlmAspire.Api.Llm;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace LlmAspire.Api.Http;

/// <summary>
/// Problem details (RFC 9457) as this Api sends them: with <c>code</c>, a stable word for programs, and <c>traceId</c>, and
/// with a detail that says what to do.
/// </summary>
internal static class Problems
{
    /// <summary>The name under which a problem has the part of the request that is wrong, when it is one.</summary>
    public const string Param = "param";

    /// <param name="extensions">Further members of the problem, by their names in JSON.</param>
    public static ProblemHttpResult Create(
        HttpContext context,
        int status,
        string code,
        string title,
        string detail,
        TimeSpan? retryAfter = null,
        IEnumerable<KeyValuePair<string, object?>>? extensions = null)
    {
        if (retryAfter is { } pause)
        {
            context.Response.Headers[HeaderNames.RetryAfter] = ((int)Math.Ceiling(pause.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        return TypedResults.Problem(detail, null, status, title, null, new Dictionary<string, object?>(extensions ?? [])
        {
            ["code"] = code,
            ["traceId"] = TraceId(context),
        });
    }

    public static ProblemHttpResult Create(HttpContext context, GatewayFailure failure) => Create(
        context, failure.Status, failure.Code, failure.Title, failure.Detail, failure.RetryAfter,
        failure.Param is null ? failure.Extensions : failure.Extensions.Append(KeyValuePair.Create<string, object?>(Param, failure.Param)));

    /// <summary>For an error status that the framework answers without a body.</summary>
    public static ProblemHttpResult ForStatus(HttpContext context, int status) => status switch
    {
        StatusCodes.Status401Unauthorized => Create(
            context, status, "not_signed_in", "You are not signed in.", "Send the credentials of a user of this installation."),
        StatusCodes.Status403Forbidden => Create(
            context, status, "forbidden", "You may not do this.", "Sign in as a user who may."),
        StatusCodes.Status404NotFound => Create(
            context, status, "not_found", "There is nothing at this address.", "GET /openapi/v1.json lists every address."),
        StatusCodes.Status405MethodNotAllowed => Create(
            context, status, "method_not_allowed", $"This address does not answer {context.Request.Method}.",
            $"It answers {context.Response.Headers.Allow}."),
        StatusCodes.Status413PayloadTooLarge => TooLarge(context),
        StatusCodes.Status415UnsupportedMediaType => Create(
            context, status, "content_type_unsupported", "The body is not JSON.", "Send it as Content-Type: application/json."),
        >= 500 => Create(
            context, status, "internal_error", "Something failed on the server.", "Try again. If it stays, tell the operator the trace id."),
        _ => Create(context, status, "bad_request", "The request is not valid.", "Compare it with GET /openapi/v1.json."),
    };

    public static ProblemHttpResult TooLarge(HttpContext context) => Create(
        context, StatusCodes.Status413PayloadTooLarge, "body_too_large", "The body is too large.",
        $"A body may have {MaxBodyBytes(context).ToString("N0", CultureInfo.InvariantCulture)} bytes. Send less.");

    /// <summary>As in <c>trace_id</c> of the ledger, in the logs and in the trace.</summary>
    public static string TraceId(HttpContext context) => Activity.Current?.TraceId.ToHexString() ?? context.TraceIdentifier;

    private static long MaxBodyBytes(HttpContext context) =>
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()?.MaxRequestBodySize ?? HttpDefaults.MaxBodyBytes;
}
