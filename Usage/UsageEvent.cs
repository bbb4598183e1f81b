using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>
/// What one call to a provider used: the fact that becomes one row of <c>llm_usage</c>. Immutable; safe to share
/// between threads.
/// </summary>
/// <remarks>It is written to the spool as JSON: a change of a name here is a change of the stored form.</remarks>
public sealed record UsageEvent
{
    /// <summary>UUID version 7, made when the call is opened: the idempotency key, and by its time the row's <c>created_at</c>.</summary>
    public required Guid Id { get; init; }

    /// <summary>What the user asked for; one request may need several calls.</summary>
    public required Guid RequestId { get; init; }

    public required Guid UserId { get; init; }

    public required Guid OrgId { get; init; }

    /// <summary>The personal API key that was used; null for a signed-in user.</summary>
    public Guid? ApiKeyId { get; init; }

    public Guid? ConversationId { get; init; }

    public required UsageOperation Operation { get; init; }

    /// <summary>W3C trace context of the call's span; the row's <c>trace_id</c> and <c>span_id</c> are parts of it.</summary>
    public string? Traceparent { get; init; }

    /// <summary>The alias that the caller asked for.</summary>
    public required string ModelAlias { get; init; }

    /// <summary>The provider that served; null when the gateway did not tell.</summary>
    public string? Provider { get; init; }

    /// <summary>The provider's own name of the model that served; null when the gateway did not tell.</summary>
    public string? ServedModel { get; init; }

    /// <summary>Prompt tokens, cached and cache-write tokens included.</summary>
    public required long PromptTokens { get; init; }

    /// <summary>Completion tokens, reasoning tokens included.</summary>
    public required long CompletionTokens { get; init; }

    /// <summary>Tokens within <see cref="PromptTokens"/> that were read from the provider's cache.</summary>
    public long? CachedPromptTokens { get; init; }

    /// <summary>Tokens within <see cref="PromptTokens"/> that were written to the provider's cache.</summary>
    public long? CacheWriteTokens { get; init; }

    /// <summary>
    /// Tokens within <see cref="CacheWriteTokens"/> that the provider keeps for one hour, and not for five minutes; null when it does not tell.
    /// </summary>
    // The naming policy would write "cache_write1h_tokens".
    [JsonPropertyName("cache_write_1h_tokens")]
    public long? CacheWrite1hTokens { get; init; }

    /// <summary>Tokens within <see cref="CompletionTokens"/> that were spent on reasoning.</summary>
    public long? ReasoningTokens { get; init; }

    /// <summary>Tokens within <see cref="PromptTokens"/> that were audio.</summary>
    public long? AudioPromptTokens { get; init; }

    /// <summary>Tokens within <see cref="CompletionTokens"/> that were audio.</summary>
    public long? AudioCompletionTokens { get; init; }

    /// <summary>Where the token numbers come from.</summary>
    public required UsageSource Source { get; init; }

    public required UsageOutcome Outcome { get; init; }

    /// <summary>Calls the gateway made to providers for this one, retries included; null when it does not tell.</summary>
    public int? Attempts { get; init; }

    /// <summary>Fallbacks the gateway went through; null when it does not tell.</summary>
    public int? Fallbacks { get; init; }

    /// <summary>Milliseconds to the first content; null when there was none.</summary>
    public int? TtftMs { get; init; }

    /// <summary>Milliseconds from sending the request to the end of the answer.</summary>
    public required int DurationMs { get; init; }

    /// <summary><c>x-litellm-call-id</c>.</summary>
    public string? GatewayCallId { get; init; }

    /// <summary>The usage as it came, unchanged; null when none came.</summary>
    [JsonConverter(typeof(RawJsonConverter))]
    public JsonElement? RawUsage { get; init; }

    /// <summary>When the call was opened, UTC: the time within <see cref="Id"/>, to the millisecond.</summary>
    [JsonIgnore]
    public DateTimeOffset CreatedAt => DateTimeOffset.FromUnixTimeMilliseconds(UuidV7.UnixMilliseconds(Id));

    /// <summary>
    /// A new id for the event of a further part of this call, which another provider served. It has the time of the call: all parts are of one hour, day and
    /// month. Such an event has no open call.
    /// </summary>
    public Guid NewPartId() => Guid.CreateVersion7(CreatedAt);
}
