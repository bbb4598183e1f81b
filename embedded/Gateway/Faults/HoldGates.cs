using System.Collections.Concurrent;

namespace LlmAspire.DemoGateway.Faults;

/// <summary>
/// Holds by name. A release is for good, so that it does not matter whether the call or the release comes first: a name is for one use.
/// Safe to use from any thread.
/// </summary>
internal sealed class HoldGates
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _gates = new(StringComparer.Ordinal);

    public Task WaitAsync(string name, CancellationToken cancellationToken) => Gate(name).Task.WaitAsync(cancellationToken);

    public void Release(string name) => Gate(name).TrySetResult();

    private TaskCompletionSource Gate(string name) => _gates.GetOrAdd(name, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}
