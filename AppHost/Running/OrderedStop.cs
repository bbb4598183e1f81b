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
        foreach (var resource in model.FindStoppableResources().Reverse())
        {
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                await StopAsync(resource, patience.Token);
            }
            catch (OperationCanceledException)
            {
                LogStillThere(resource.Name, Patience.TotalSeconds);
            }
        }
    }

    private async Task StopAsync(IResource resource, CancellationToken cancellationToken)
    {
        var now = await notifications.WaitForResourceAsync(resource.Name, _ => true, cancellationToken);
        if (now.Snapshot.State?.Text is not { } state || !Alive.Contains(state))
        {
            return;
        }

        // The command looks at growing intervals whether the resource is gone; the notification comes at once.
        var command = commands.ExecuteCommandAsync(resource, KnownResourceCommands.StopCommand, cancellationToken);
        await await Task.WhenAny(command, notifications.WaitForResourceAsync(resource.Name, KnownResourceStates.TerminalStates, cancellationToken));
    }

    [LoggerMessage(LogLevel.Warning, "{Resource} is still there {Seconds} s after it was told to stop")]
    private partial void LogStillThere(string resource, double seconds);
}
