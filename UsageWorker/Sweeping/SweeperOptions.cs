namespace LlmAspire.UsageWorker.Sweeping;

/// <summary>Settings of the sweeper, section <c>Sweeper</c>.</summary>
internal sealed class SweeperOptions
{
    /// <summary>The time between two sweeps.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a call may be open, its process silent, and PostgreSQL has to be up, before the call is given up. Several times
    /// <c>Usage:LivenessInterval</c>, or calls that run become provisional rows.
    /// </summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(30);
}
