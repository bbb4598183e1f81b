using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.AppHost.Running;

/// <summary>What is known of one resource while the stack starts and runs.</summary>
/// <param name="resource">The resource.</param>
internal sealed class ResourceStory(IResource resource)
{
    private DateTimeOffset? _unhealthySince;
    private bool _wasStopped;

    public IResource Resource => resource;

    public string Id { get; private set; } = resource.Name;

    public CustomResourceSnapshot? Snapshot { get; private set; }

    /// <summary>It was ready, and nothing has happened to it since.</summary>
    public bool IsReady { get; private set; }

    /// <summary>It ended by itself, or could not be started at all.</summary>
    public bool HasFailed => IsIn(KnownResourceStates.FailedToStart)
        || ((IsIn(KnownResourceStates.Finished) || IsIn(KnownResourceStates.Exited)) && !_wasStopped);

    /// <summary>What its health checks say, where they say it is not healthy.</summary>
    public string HealthText => string.Join(' ', Snapshot?.HealthReports
        .Where(report => report.Status != HealthStatus.Healthy)
        .Select(report => report.Description ?? report.ExceptionText?.Split('\n')[0].Trim() ?? "It was not asked yet.")
        .Distinct() ?? []);

    /// <summary>Takes a change in.</summary>
    /// <returns>What there is to say of it.</returns>
    public ResourceChange Update(ResourceEvent change, DateTimeOffset now)
    {
        var (before, wasReady) = (Snapshot?.State?.Text, IsReady);
        (Id, Snapshot) = (change.ResourceId, change.Snapshot);
        var state = Snapshot.State?.Text;
        var isRunning = IsIn(KnownResourceStates.Running);
        _wasStopped = IsIn(KnownResourceStates.Stopping) || (_wasStopped && !isRunning && !IsIn(KnownResourceStates.Starting));
        IsReady = isRunning && Snapshot.HealthStatus == HealthStatus.Healthy;
        _unhealthySince = isRunning && !IsReady ? _unhealthySince ?? now : null;

        return IsReady && !wasReady ? ResourceChange.Ready
            : before != state && HasFailed ? ResourceChange.Failed
            : wasReady && !IsReady && isRunning ? ResourceChange.Unhealthy
            : wasReady && before != state ? ResourceChange.Stopped
            : ResourceChange.None;
    }

    /// <summary>For how long it has run without being healthy; null when it does not run, or is.</summary>
    public TimeSpan? UnhealthyFor(DateTimeOffset now) => now - _unhealthySince;

    private bool IsIn(string state) => Snapshot?.State?.Text == state;
}
