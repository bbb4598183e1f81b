namespace LlmAspire.UsageWorker.Rollups;

/// <summary>Settings of the roll-ups of days, section <c>Rollups</c>.</summary>
internal sealed class RollupOptions
{
    /// <summary>How long after its end (UTC) a day is added up: most of its calls have been settled by then. What comes later has the day added up again.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromHours(1);

    /// <summary>The time between two looks.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromMinutes(5);
}
