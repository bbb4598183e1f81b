namespace LlmAspire.UsageWorker.Backlog;

/// <summary>What the worker makes of what waits in the ledger's tables, section <c>Backlog</c>.</summary>
internal sealed class BacklogOptions
{
    /// <summary>How often the metrics look.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>An event that waits in the inbox for longer degrades the worker.</summary>
    public TimeSpan DegradedInboxLag { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>An event that waits in the inbox for longer makes the worker unhealthy.</summary>
    public TimeSpan UnhealthyInboxLag { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>A call that has been open for longer degrades the worker.</summary>
    public TimeSpan DegradedOpenCall { get; set; } = TimeSpan.FromHours(1);

    /// <summary>More events rejected in an hour degrade the worker.</summary>
    public int ToleratedRejections { get; set; }
}
