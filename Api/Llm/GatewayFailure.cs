using System.Collections.ObjectModel;
using System.Text.Json;

namespace LlmAspire.Api.Llm;

/// <summary>
/// Why a call failed, in words for the user. The gateway's own text names aliases, fallbacks and upstream messages: it
/// is logged and never shown.
/// </summary>
/// <param name="Status">The HTTP status that fits when nothing was sent to the user yet.</param>
/// <param name="Code">A stable word for programs.</param>
/// <param name="Detail">What to do.</param>
/// <param name="RetryAfter">When trying again makes sense; null when it does not, or when nobody knows.</param>
public sealed record GatewayFailure(int Status, string Code, string Title, string Detail, TimeSpan? RetryAfter = null)
{
    /// <summary>Further members of the problem, by their names in JSON.</summary>
    public IReadOnlyDictionary<string, object?> Extensions { get; init; } = ReadOnlyDictionary<string, object?>.Empty;

    /// <summary>The part of the request that is wrong, as <c>messages[2].content[0].text</c>; null when there is none.</summary>
    public string? Param { get; init; }

    public static GatewayFailure Unreachable { get; } = new(
        StatusCodes.Status503ServiceUnavailable, "gateway_unavailable", "The model gateway is not reachable.",
        "Nothing was sent to a model. Try again in a few seconds.", TimeSpan.FromSeconds(5));

    public static GatewayFailure ConnectionLost { get; } = new(
        StatusCodes.Status502BadGateway, "gateway_connection_lost", "The connection to the model gateway broke.",
        "The answer is incomplete. Send the message again.");

    public static GatewayFailure TimedOut { get; } = new(
        StatusCodes.Status504GatewayTimeout, "model_timeout", "The model took too long.",
        "Send the message again, or choose another model.");

    public static GatewayFailure Incomplete { get; } = new(
        StatusCodes.Status502BadGateway, "answer_incomplete", "The answer ended before the model had finished.",
        "Send the message again, or choose another model.");

    public static GatewayFailure Unreadable { get; } = new(
        StatusCodes.Status502BadGateway, "answer_unreadable", "The model gateway sent something that is not an answer.",
        "Send the message again. If it stays, tell the operator the trace id.");

    /// <summary>The answer was not read to its end, and nobody left: something of ours failed.</summary>
    public static GatewayFailure Abandoned { get; } = new(
        StatusCodes.Status500InternalServerError, "answer_abandoned", "The answer could not be processed.",
        "Send the message again. If it stays, tell the operator the trace id.");

    public static GatewayFailure ServerStopping { get; } = new(
        StatusCodes.Status503ServiceUnavailable, "server_stopping", "The server is restarting.",
        "Send the message again in a few seconds.", TimeSpan.FromSeconds(5));

    /// <summary>The answer came, and its usage is not durable.</summary>
    public static GatewayFailure AnswerUnrecorded { get; } = new(
        StatusCodes.Status503ServiceUnavailable, "ledger_unavailable", "This answer could not be recorded yet.",
        "What you read is what the model said. Try again in a minute.", TimeSpan.FromMinutes(1));

    private static GatewayFailure ProviderFailed { get; } = new(
        StatusCodes.Status502BadGateway, "provider_failed", "The model's provider failed.",
        "Send the message again, or choose another model.");

    private static GatewayFailure ProviderRefused { get; } = new(
        StatusCodes.Status400BadRequest, "provider_refused", "The model's provider refused the message.",
        "Change the message, or choose another model.");

    private static GatewayFailure ContextTooLong { get; } = new(
        StatusCodes.Status400BadRequest, "context_too_long", "The conversation is too long for this model.",
        "Shorten the message, start a new conversation, or choose a model with a larger context window.");

    private static GatewayFailure CredentialsRefused { get; } = new(
        StatusCodes.Status502BadGateway, "gateway_credentials_refused", "The model gateway or its provider did not accept this installation's key.",
        "Choose another model, or tell the operator the trace id: the keys of the gateway need attention.");

    private static GatewayFailure Busy { get; } = new(
        StatusCodes.Status503ServiceUnavailable, "model_busy", "The model has no capacity right now.",
        "Try again in a few seconds, or choose another model.", TimeSpan.FromSeconds(5));

    /// <summary>The call could not be written down, so it was not made.</summary>
    public static GatewayFailure LedgerUnavailable(TimeSpan retryAfter) => new(
        StatusCodes.Status503ServiceUnavailable, "ledger_unavailable", "Calls to models cannot be recorded right now.",
        "Nothing was sent to a model. Try again in a few seconds.", retryAfter);

    /// <summary>The request is no JSON object, or says something twice.</summary>
    internal static GatewayFailure RequestUnreadable(string detail, string? param = null) =>
        RefusedRequest("json_invalid", "The body is not a valid JSON object.", detail, param);

    /// <summary>The request has a field that is not passed on to models.</summary>
    internal static GatewayFailure RequestUnsupported(string param, string advice) =>
        RefusedRequest("unsupported_parameter", "A field of the request is not supported.", $"Look at '{param}'. {advice}", param);

    internal static GatewayFailure RequestInvalid(string param, string expected) =>
        RefusedRequest("invalid_value", "A value of the request is not valid.", $"Look at '{param}'. Send {expected}.", param);

    internal static GatewayFailure RequestIncomplete(string param, string expected) =>
        RefusedRequest("missing_required_parameter", "A field of the request is missing.", $"Look at '{param}'. Send {expected}.", param);

    /// <summary>A text of the request cannot be read, or cannot be stored.</summary>
    /// <param name="param">Empty when it is a name of the request itself.</param>
    /// <param name="isName">Whether it is a name within the part.</param>
    internal static GatewayFailure TextInvalid(string param, string fault, bool isName = false) => RefusedRequest(
        "text_invalid", "A text of the request is not valid.",
        $"Look at {(param.Length == 0 ? "the body" : $"'{param}'")}: {(isName ? "a name in it" : "it")} has {fault}. Send Unicode text as UTF-8.",
        param.Length == 0 ? null : param);

    /// <summary>From the status and body of an error answer, or of an error event inside a stream.</summary>
    /// <param name="error">
    /// The object under <c>error</c>, when there is one:
    /// <c>{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}</c>.
    /// </param>
    internal static GatewayFailure From(int status, JsonElement? error) => status switch
    {
        // LiteLLM without a database answers a wrong key with 400 instead of 401: BerriAI/litellm#12273.
        400 when Text(error, "type") == "no_db_connection" => CredentialsRefused,
        // The word is all there is: LiteLLM gives this error neither type nor code.
        400 when Text(error, "message")?.Contains("ContextWindowExceededError", StringComparison.Ordinal) == true => ContextTooLong,
        400 or 422 => ProviderRefused,
        401 or 403 => CredentialsRefused,
        408 or 504 => TimedOut,
        413 => ContextTooLong,
        429 => Busy,
        _ => ProviderFailed,
    };

    private static GatewayFailure RefusedRequest(string code, string title, string detail, string? param) => new(StatusCodes.Status400BadRequest, code, title, detail)
    {
        Param = param,
    };

    private static string? Text(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } value
            && value.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()
            : null;
}
