using System.Collections.Concurrent;

namespace LlmAspire.Usage;

/// <summary>
/// The calls of this process whose usage is not in the inbox yet: they run, or their usage waits in memory or in the spool. Safe to use from any
/// thread.
/// </summary>
internal sealed class RunningCalls
{
    private readonly ConcurrentDictionary<Guid, byte> _calls = new();

    /// <summary>Made anew at each start of a process.</summary>
    public Guid InstanceId { get; } = Guid.CreateVersion7();

    public int Count => _calls.Count;

    /// <summary>To be called before the open is sent: a report that does not name a call gives it up.</summary>
    public void Add(Guid callId) => _calls[callId] = 0;

    public void Remove(Guid callId) => _calls.TryRemove(callId, out _);

    public bool Contains(Guid callId) => _calls.ContainsKey(callId);

    public Guid[] Ids() => [.. _calls.Keys];
}
