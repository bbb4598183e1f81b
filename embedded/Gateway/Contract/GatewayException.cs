using System.Globalization;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>Ends a request with an error of the proxy. The known ones, with the odd statuses and types of the original, are made here.</summary>
internal sealed class GatewayException(int status, string message, string? type, string? param) : Exception(message)
{
    /// <summary>LiteLLM writes Python's None as text into some errors.</summary>
    private const string None = "None";

    private const string InvalidRequest = "invalid_request_error";

    public int Status { get; } = status;

    public ErrorBody Body { get; } = new(new ErrorDetails(message, type, param, status.ToString(CultureInfo.InvariantCulture)));

    public static GatewayException NoKey() => new(401, "Authentication Error, No api key passed in.", "auth_error", None);

    /// <summary>400 and not 401: the proxy without a database cannot look the key up (BerriAI/litellm#12273).</summary>
    public static GatewayException WrongKey() => new(400, "No connected db.", "no_db_connection", null);

    public static GatewayException InvalidJson(string reason) => new(400, $"Invalid JSON payload: {reason}", InvalidRequest, null);

    /// <summary>400 and not 404; the message holds a Python dict.</summary>
    public static GatewayException UnknownAlias(string alias) => new(
        400,
        $"{{'error': '/chat/completions: Invalid model name passed in model={alias}. Call `/v1/models` to view available models for your key.'}}",
        None,
        None);

    /// <summary>500 and not 400.</summary>
    public static GatewayException NoMessages() =>
        new(500, "Router.acompletion() missing 1 required positional argument: 'messages'", None, None);

    /// <summary>What a provider answers to a request it does not understand.</summary>
    public static GatewayException BadRequest(string provider, string reason) =>
        new(400, $"litellm.BadRequestError: {UpstreamErrors.ExceptionName(provider)} - {reason}", InvalidRequest, null);

    /// <summary>401, although it has nothing to do with the key.</summary>
    public static GatewayException NoDatabase() => new(401, "Prisma Client is not initialized", "internal_error", None);

    /// <summary>A query of the spend logs that is not understood.</summary>
    public static GatewayException BadQuery(string reason) => new(400, reason, "bad_request", None);

    /// <summary>This gateway's own, in the proxy's shape.</summary>
    public static GatewayException WrongFault(string reason) => new(400, reason, InvalidRequest, "x-demo-fault");

    /// <inheritdoc cref="WrongFault"/>
    public static GatewayException NoHoldName() => new(400, "Say which hold: /_demo/release?name=NAME.", InvalidRequest, "name");
}
