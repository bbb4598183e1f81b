namespace LlmAspire.Usage;

/// <summary>The one row of <c>ledger.usage_retention</c>; none while nothing was dropped.</summary>
public sealed class UsageRetention
{
    public bool Id { get; init; } = true;

    /// <summary>Partitions before this time were dropped: the roll-ups know more than the rows there.</summary>
    public DateTimeOffset DroppedBefore { get; init; }
}
