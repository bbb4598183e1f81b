namespace LlmAspire.Usage;

/// <summary>Takes usage events for good. Safe to call from any thread.</summary>
public interface IUsageEventWriter
{
    /// <summary>
    /// Writes one event. The task ends when the event is durable, in the inbox or on this machine's disk: who saw it end may tell the user so.
    /// Writing the same event twice is harmless, its id makes one row.
    /// </summary>
    /// <exception cref="OperationCanceledException">
    /// <paramref name="cancellationToken"/> ended the wait. The event stays queued and is written when that becomes possible.
    /// </exception>
    /// <exception cref="InvalidOperationException">The writer has stopped.</exception>
    Task WriteAsync(UsageEvent usageEvent, CancellationToken cancellationToken);
}
