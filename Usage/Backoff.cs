namespace LlmAspire.Usage;

/// <summary>Waits that double from a first one up to a longest one. Not thread-safe.</summary>
public sealed class Backoff
{
    private readonly TimeSpan _first;
    private readonly TimeSpan _longest;
    private readonly TimeProvider _time;

    public Backoff(TimeSpan first, TimeSpan longest, TimeProvider time)
    {
        _first = first;
        _longest = longest;
        _time = time;
        Next = first;
    }

    /// <summary>How long the next wait is.</summary>
    public TimeSpan Next { get; private set; }

    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var wait = Next;
        Next = wait * 2 < _longest ? wait * 2 : _longest;
        return Task.Delay(wait, _time, cancellationToken);
    }

    /// <summary>Begins again, after a success.</summary>
    public void Reset() => Next = _first;
}
