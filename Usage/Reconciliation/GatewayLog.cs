namespace LlmAspire.Usage;

/// <summary>What the gateway's spend log says of a call.</summary>
/// <param name="RequestId">The log's own id: a log that comes twice counts once.</param>
/// <param name="CallKey">Which call it is about: the id of a row of the ledger, or what the gateway calls it.</param>
/// <param name="Provider">Null when the gateway does not tell; so is the model.</param>
/// <param name="Model">The provider's own name of the model, as rows have it.</param>
/// <param name="CostUsd">What the gateway makes of it.</param>
/// <param name="At">When the call was opened, where its id tells, else when the gateway began with it.</param>
public sealed record GatewayLog(
    string RequestId, string CallKey, string? Provider, string? Model, long PromptTokens, long CompletionTokens, decimal CostUsd, DateTimeOffset At);
