using LlmAspire.Usage;

namespace LlmAspire.Api.Tests;

/// <summary>Keeps the events in memory; can be held, so that nothing becomes durable, and can be broken.</summary>
internal sealed class RecordingWriter : IUsageEventWriter
{
    private readonly Lock _lock = new();
    private readonly List<UsageEvent> _events = [];
    private Task _gate = Task.CompletedTask;

    public IReadOnlyList<UsageEvent> Events
    {
        get
        {
            lock (_lock)
            {
                return [.. _events];
            }
        }
    }

    /// <summary>Every write waits until the result is set.</summary>
    public TaskCompletionSource Hold()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _gate = gate.Task;
        return gate;
    }

    public void Break() => _gate = Task.FromException(new InvalidOperationException("The writer has stopped."));

    public async Task WriteAsync(UsageEvent usageEvent, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _events.Add(usageEvent);
        }

        await _gate.WaitAsync(cancellationToken);
    }
}
