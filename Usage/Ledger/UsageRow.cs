using System.Text.Json;

namespace LlmAspire.Usage;

/// <summary>A row of <c>ledger.llm_usage</c>: what one call to a provider used. Written once, by ingestion.</summary>
/// <remarks>The members mean what those of <see cref="UsageEvent"/> mean.</remarks>
public sealed class UsageRow
{
    public Guid Id { get; init; }

    /// <summary>When the call was opened: the time within <see cref="Id"/>. The months of this time are the partitions.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When ingestion wrote the row, in its present form.</summary>
    public DateTimeOffset RecordedAt { get; init; }

    /// <summary>
    /// When a late settle replaced the provisional row that the sweeper had made; null for every row that is as it was first written.
    /// </summary>
    public DateTimeOffset? ReplacedAt { get; init; }

    /// <summary>When the provisional row that was replaced had been written; null when none was.</summary>
    public DateTimeOffset? ProvisionalRecordedAt { get; init; }

    /// <summary>The duration that the provisional row had; the rest of it says that nothing was known.</summary>
    public int? ProvisionalDurationMs { get; init; }

    public Guid RequestId { get; init; }

    public Guid UserId { get; init; }

    public Guid OrgId { get; init; }

    public Guid? ApiKeyId { get; init; }

    /// <summary>32 hexadecimal digits; null when the call was not traced.</summary>
    public string? TraceId { get; init; }

    /// <summary>16 hexadecimal digits: the call's span.</summary>
    public string? SpanId { get; init; }

    public Guid? ConversationId { get; init; }

    public UsageOperation Operation { get; init; }

    public required string ModelAlias { get; init; }

    public string? Provider { get; init; }

    public string? ServedModel { get; init; }

    public long PromptTokens { get; init; }

    public long CompletionTokens { get; init; }

    public long? CachedPromptTokens { get; init; }

    public long? CacheWriteTokens { get; init; }

    public long? CacheWrite1hTokens { get; init; }

    public long? ReasoningTokens { get; init; }

    public long? AudioPromptTokens { get; init; }

    public long? AudioCompletionTokens { get; init; }

    public UsageSource Source { get; init; }

    public UsageOutcome Outcome { get; init; }

    public int? Attempts { get; init; }

    public int? Fallbacks { get; init; }

    public int? TtftMs { get; init; }

    public int DurationMs { get; init; }

    public string? GatewayCallId { get; init; }

    public JsonElement? RawUsage { get; init; }
}
