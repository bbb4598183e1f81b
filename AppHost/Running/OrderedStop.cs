using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmAspire.AppHost.Running;

/// <summary>
/// Stops the resources one after the other, from the last of the model to the first, before the orchestrator stops: it closes all its proxies and ends all
/// processes at once, and then PostgreSQL is gone before running answers are written down. Safe to call from any thread, any number of times.
/// </summary>
internal sealed partial class OrderedStop(
    DistributedApplicationModel model, ResourceNotificationService notifications, ResourceCommandService commands, ILogger<OrderedStop> logger)
    : IHostedLifecycleService
{
    /// <summary>What the stop of one resource may take; then the next one is stopped, and the orchestrator ends what is left.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);

    private static readonly HashSet<string> Alive = [KnownResourceStates.Running, KnownResourceStates.RuntimeUnhealthy];

    private readonly Lock _lock = new();
    private Task? _stop;

    /// <summary>Stops what runs; ends when it is gone.</summary>
    public Task StopResourcesAsync()
    {
        lock (_lock)
        {
            return _stop ??= StopInOrderAsync();
        }
    }

    /// <summary>The first that a host does when it stops.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) => StopResourcesAsync();

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task StopInOrderAsync()
    {
        var resources = model.FindStoppableResources().Reverse().ToList();
        var alive = await Task.WhenAll(resources.Select(IsAliveAsync));
        foreach (var (resource, _) in resources.Zip(alive).Where(pair => pair.Second))
        {
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                // The command looks at growing intervals whether the resource is gone; the notification comes at once.
                var command = commands.ExecuteCommandAsync(resource, KnownResourceCommands.StopCommand, patience.Token);
                await await Task.WhenAny(command, notifications.WaitForResourceAsync(resource.Name, KnownResourceStates.TerminalStates, patience.Token));
            }
            catch (OperationCanceledException)
            {
                LogStillThere(resource.Name, Patience.TotalSeconds);
            }
        }
    }

    /// <summary>What is known of a resource comes at once; of one that the orchestrator has not come to, nothing is known.</summary>
    private async Task<bool> IsAliveAsync(IResource resource)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        try
        {
            var now = await notifications.WaitForResourceAsync(resource.Name, _ => true, patience.Token);
            return now.Snapshot.State?.Text is { } state && Alive.Contains(state);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Resource} is still there {Seconds} s after it was told to stop")]
    private partial void LogStillThere(string resource, double seconds);
}
