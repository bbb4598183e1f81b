namespace LlmAspire.Usage;

/// <summary>A row of <c>ledger.usage_rejected</c>: an event that the ledger cannot hold, kept for a person to look at.</summary>
public sealed class RejectedEvent
{
    public long Id { get; init; }

    /// <summary>What was in the inbox, by column, as JSON.</summary>
    public required string Event { get; init; }

    public string? Traceparent { get; init; }

    /// <summary>What PostgreSQL said.</summary>
    public required string Reason { get; init; }

    public required string Sqlstate { get; init; }

    public DateTimeOffset RejectedAt { get; init; }
}
