namespace LlmAspire.UsageWorker.Retention;

/// <summary>How long the ledger keeps what, section <c>Retention</c>.</summary>
internal sealed class RetentionOptions
{
    public const string Section = "Retention";

    public const string WhatIsPossible =
        "Retention:Months must be at least 1, or not set; Retention:RejectedEvents must be 1 to 36500 days, Retention:Comparisons 92 to 36500 days (no day is compared again then), "
        + "Retention:HourlyRollups 31 to 36500 days, and Retention:Interval positive.";

    private static readonly TimeSpan Longest = TimeSpan.FromDays(36_500);

    /// <summary>How many whole months of rows are kept before the current one (UTC); null for ever. The roll-ups stay in any case.</summary>
    public int? Months { get; set; }

    /// <summary>How long events are kept that could not be booked. They are facts that are in no sum.</summary>
    public TimeSpan RejectedEvents { get; set; } = TimeSpan.FromDays(365);

    /// <summary>How long comparisons with the gateway's logs are kept.</summary>
    public TimeSpan Comparisons { get; set; } = TimeSpan.FromDays(400);

    /// <summary>
    /// How long roll-ups are by the hour, of days whose rows were dropped. Older ones are by the day (UTC).
    /// </summary>
    public TimeSpan HourlyRollups { get; set; } = TimeSpan.FromDays(400);

    /// <summary>The time between two looks.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);

    public bool IsPossible => Months is null or >= 1 && Interval > TimeSpan.Zero
        && IsWithin(RejectedEvents, 1) && IsWithin(Comparisons, 92) && IsWithin(HourlyRollups, 31);

    private static bool IsWithin(TimeSpan kept, int fewestDays) => kept >= TimeSpan.FromDays(fewestDays) && kept <= Longest;
}
