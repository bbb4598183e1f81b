using System.Text.Json.Serialization;

namespace LlmAspire.DemoGateway.Served;

/// <summary>A call as <c>GET /_demo/served</c> tells it: its lines added up.</summary>
/// <param name="Id">This record's own id; a client may use a call id twice.</param>
/// <param name="CompletionTokens">Given out, reasoning included; grows while the call runs.</param>
/// <param name="Finished">False while it runs, and for ever when the gateway died with it.</param>
/// <param name="Outcome">Null until finished.</param>
internal sealed record ServedCall(
    Guid Id,
    string CallId,
    string ModelId,
    string Alias,
    string Provider,
    string ServedModel,
    bool Stream,
    int PromptTokens,
    int CachedTokens,
    int CacheWriteTokens,
    [property: JsonPropertyName("cache_write_1h_tokens")] int CacheWriteHourTokens,
    int CompletionTokens,
    int ReasoningTokens,
    bool Finished,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ServedOutcome? Outcome,
    DateTimeOffset AcceptedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] DateTimeOffset? FinishedAt);

/// <param name="LeftOut">Older calls that are on file, but no longer told.</param>
internal sealed record ServedList(IReadOnlyList<ServedCall> Data, int LeftOut);
