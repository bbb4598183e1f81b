namespace LlmAspire.Usage;

/// <summary>
/// Sums of the ledger's rows, kept by ingestion in the statement that writes the rows. Derived: <c>UsageWorker -- rebuild</c> makes them
/// again. A row without calls is as good as none.
/// </summary>
public abstract class RollupRow
{
    /// <summary>The hour (UTC) that holds the rows' <c>created_at</c>.</summary>
    public DateTimeOffset Hour { get; init; }

    public Guid OrgId { get; init; }

    public UsageOperation Operation { get; init; }

    public required string ModelAlias { get; init; }

    /// <summary>Empty when the gateway did not tell.</summary>
    public required string Provider { get; init; }

    /// <summary>Empty when the gateway did not tell.</summary>
    public required string ServedModel { get; init; }

    public UsageSource Source { get; init; }

    public UsageOutcome Outcome { get; init; }

    public long Calls { get; init; }

    /// <summary>Those of the calls that used no token: they cost nothing, whatever the price.</summary>
    public long EmptyCalls { get; init; }

    public long PromptTokens { get; init; }

    public long CompletionTokens { get; init; }

    public long CachedPromptTokens { get; init; }

    public long CacheWriteTokens { get; init; }

    public long ReasoningTokens { get; init; }

    public long AudioPromptTokens { get; init; }

    public long AudioCompletionTokens { get; init; }
}
