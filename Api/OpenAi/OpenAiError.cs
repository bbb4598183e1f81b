using System.Text.Json;
using System.Text.Json.Serialization;
using LlmAspire.Api.Http;
using LlmAspire.Api.Llm;
using Microsoft.AspNetCore.Mvc;

namespace LlmAspire.Api.OpenAi;

/// <summary>
/// An error as OpenAI's clients read it. They choose their exceptions by the status; programs look at <c>code</c>:
/// <code>
/// {"error":{"message":"The model 'x' does not exist.","type":"invalid_request_error","param":"model","code":"model_not_found","trace_id":"…"}}
/// </code>
/// </summary>
/// <seealso href="https://platform.openai.com/docs/guides/error-codes"/>
public sealed record OpenAiError(OpenAiErrorBody Error)
{
    private static readonly JsonSerializerOptions Json = JsonSerializerOptions.Web;

    internal static OpenAiError Of(ProblemDetails problem) => Of(
        problem.Status ?? StatusCodes.Status500InternalServerError,
        Text(problem, "code"),
        $"{problem.Title} {problem.Detail}".Trim(),
        Text(problem, Problems.Param),
        Text(problem, "traceId"));

    internal static OpenAiError Of(GatewayFailure failure, string traceId) =>
        Of(failure.Status, failure.Code, $"{failure.Title} {failure.Detail}", failure.Param, traceId);

    internal byte[] ToUtf8Json() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    private static OpenAiError Of(int status, string? code, string message, string? param, string? traceId) => new(code switch
    {
        "not_signed_in" => new OpenAiErrorBody(
            "The API key is missing, unknown, expired or revoked. Send a personal API key of this installation as Authorization: Bearer llma_….",
            InvalidRequest, null, "invalid_api_key", traceId),
        "context_too_long" => new OpenAiErrorBody(message, InvalidRequest, "messages", "context_length_exceeded", traceId),
        "rate_limited" or "too_many_runs" => new OpenAiErrorBody(message, "requests", null, "rate_limit_exceeded", traceId),
        "allowance_exceeded" => new OpenAiErrorBody(message, "insufficient_quota", null, "insufficient_quota", traceId),
        _ => new OpenAiErrorBody(message, status < StatusCodes.Status500InternalServerError ? InvalidRequest : "server_error", param, code, traceId),
    });

    private const string InvalidRequest = "invalid_request_error";

    private static string? Text(ProblemDetails problem, string name) => problem.Extensions.TryGetValue(name, out var value) ? value as string : null;
}

/// <param name="Param">The part of the request that is wrong; null when there is none.</param>
/// <param name="Code">A stable word for programs.</param>
/// <param name="TraceId">Under which the operator finds the request in the traces; not in OpenAI's answers.</param>
public sealed record OpenAiErrorBody(string Message, string Type, string? Param, string? Code, [property: JsonPropertyName("trace_id")] string? TraceId);
