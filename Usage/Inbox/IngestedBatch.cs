namespace LlmAspire.Usage;

/// <summary>What ingestion did with the events that it took out of the inbox in one transaction.</summary>
/// <param name="Events">The events that are rows now.</param>
/// <param name="Repeated">How many were rows before, or came twice in the batch.</param>
/// <param name="Rejected">How many the ledger cannot hold.</param>
public sealed record IngestedBatch(IReadOnlyList<IngestedEvent> Events, int Repeated, int Rejected)
{
    /// <summary>How many were taken out of the inbox.</summary>
    public int Taken => Events.Count + Repeated + Rejected;

    /// <summary>How many of the rows replaced a provisional one.</summary>
    public int Replaced => Events.Count(row => row.Replaced);
}

/// <param name="Id">The row's id.</param>
/// <param name="Traceparent">W3C trace context of the call's span.</param>
/// <param name="EnqueuedAt">When the event became durable.</param>
/// <param name="Replaced">Whether it replaced the provisional row of a call that had been given up.</param>
/// <param name="ModelAlias">The alias that was asked for.</param>
/// <param name="Tokens">What the row says was used.</param>
public sealed record IngestedEvent(
    Guid Id, string? Traceparent, DateTimeOffset EnqueuedAt, bool Replaced, string ModelAlias, TokenCounts Tokens);

/// <summary>The tokens of a row by class; what is not known is 0. Cached, cache-write and audio prompt tokens are within the prompt, the others within the completion.</summary>
public readonly record struct TokenCounts(
    long Prompt, long Completion, long CachedPrompt, long CacheWrite, long Reasoning, long AudioPrompt, long AudioCompletion);
