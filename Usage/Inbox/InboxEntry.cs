namespace LlmAspire.Usage;

/// <summary>A row of <c>ledger.usage_inbox</c>: an event that is durable, but not in the ledger yet.</summary>
public sealed class InboxEntry
{
    public long Id { get; init; }

    /// <summary>A <see cref="UsageEvent"/> as JSON.</summary>
    public required string Event { get; init; }

    public string? Traceparent { get; init; }

    public DateTimeOffset EnqueuedAt { get; init; }
}
