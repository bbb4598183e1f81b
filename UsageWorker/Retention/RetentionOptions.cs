namespace LlmAspire.UsageWorker.Retention;

/// <summary>Settings of the retention, section <c>Retention</c>.</summary>
internal sealed class RetentionOptions
{
    /// <summary>How many whole months of rows are kept before the current one (UTC); null for ever. The roll-ups stay in any case.</summary>
    public int? Months { get; set; }

    /// <summary>The time between two looks.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromHours(1);
}
