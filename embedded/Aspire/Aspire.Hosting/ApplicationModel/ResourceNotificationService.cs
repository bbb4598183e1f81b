using System.Collections.Concurrent;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Knows the state of every resource and tells who waits for one. Safe to call from any thread.</summary>
public class ResourceNotificationService
{
    private readonly ConcurrentDictionary<string, ResourceEvent> _current = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = NewSignal();

    internal ResourceNotificationService()
    {
    }

    /// <summary>Waits until the resource runs and its health checks pass.</summary>
    /// <exception cref="DistributedApplicationException">When the resource ended instead.</exception>
    /// <exception cref="OperationCanceledException">When <paramref name="cancellationToken"/> ended the wait.</exception>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default)
    {
        var resourceEvent = await WaitForResourceAsync(
            resourceName,
            candidate => candidate.Snapshot.HealthStatus == HealthStatus.Healthy || IsTerminal(candidate),
            cancellationToken).ConfigureAwait(false);

        return IsTerminal(resourceEvent)
            ? throw new DistributedApplicationException($"The resource '{resourceName}' is {resourceEvent.Snapshot.State?.Text} and will not become healthy.")
            : resourceEvent;
    }

    /// <summary>Waits until the resource is in a state.</summary>
    public Task WaitForResourceAsync(string resourceName, string? targetState = null, CancellationToken cancellationToken = default) =>
        WaitForResourceAsync(
            resourceName,
            candidate => string.Equals(candidate.Snapshot.State?.Text, targetState ?? KnownResourceStates.Running, StringComparison.OrdinalIgnoreCase),
            cancellationToken);

    /// <summary>Waits until the resource is as <paramref name="predicate"/> says.</summary>
    public async Task<ResourceEvent> WaitForResourceAsync(string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                changed = _changed.Task;
            }

            if (_current.TryGetValue(resourceName, out var resourceEvent) && predicate(resourceEvent))
            {
                return resourceEvent;
            }

            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The state of the resource now.</summary>
    public bool TryGetCurrentState(string resourceId, out ResourceEvent? resourceEvent) => _current.TryGetValue(resourceId, out resourceEvent);

    internal void Publish(IResource resource, string state, HealthStatus? health = null, int? exitCode = null)
    {
        _current[resource.Name] = new ResourceEvent(
            resource,
            resource.Name,
            new CustomResourceSnapshot { State = state, HealthStatus = health, ExitCode = exitCode });

        TaskCompletionSource changed;
        lock (_gate)
        {
            (changed, _changed) = (_changed, NewSignal());
        }

        changed.SetResult();
    }

    private static bool IsTerminal(ResourceEvent resourceEvent) =>
        resourceEvent.Snapshot.State is { } state && KnownResourceStates.TerminalStates.Contains(state.Text);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The state of a resource at one moment.</summary>
/// <param name="resource">The resource.</param>
/// <param name="resourceId">Its id.</param>
/// <param name="snapshot">Its state.</param>
public class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    /// <summary>The resource.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>Its id.</summary>
    public string ResourceId { get; } = resourceId;

    /// <summary>Its state.</summary>
    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}

/// <summary>The state of a resource.</summary>
public sealed record CustomResourceSnapshot
{
    /// <summary>One of <see cref="KnownResourceStates"/>.</summary>
    public ResourceStateSnapshot? State { get; init; }

    /// <summary>Whether its health checks pass; null while it does not run.</summary>
    public HealthStatus? HealthStatus { get; init; }

    /// <summary>Its exit code, when it ended.</summary>
    public int? ExitCode { get; init; }
}

/// <summary>The name of a state.</summary>
/// <param name="Text">The name.</param>
public sealed record ResourceStateSnapshot(string Text)
{
    /// <summary>Makes one from its name.</summary>
    public static implicit operator ResourceStateSnapshot?(string? value) => value is null ? null : new(value);
}
