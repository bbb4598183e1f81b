namespace LlmAspire.Usage;

/// <summary>Waits that double from a first one up to a longest one. Not thread-safe.</summary>
public sealed class Backoff
{
    private readonly TimeSpan first;
    private readonly TimeSpan longest;
    private readonly TimeProvider time;

    public Backoff(TimeSpan first, TimeSpan longest, TimeProvider time)
    {
        this.first = first;
        this.longest = longest;
        this.time = time;
        Next = first;
    }

    /// <summary>How long the next wait is.</summary>
    public TimeSpan Next { get; private set; }

    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var wait = Next;
        Next = wait * 2 < longest ? wait * 2 : longest;
        return Task.Delay(wait, time, cancellationToken);
    }

    /// <summary>Begins again, after a success.</summary>
    public void Reset() => Next = first;
}
