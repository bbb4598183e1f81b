using System.Threading.Channels;

namespace LlmAspire.Usage;

/// <summary>
/// Group commit: many callers, one flusher. What comes in while the flusher makes one batch durable is its next one. Safe to call from any
/// thread; it has one reader.
/// </summary>
/// <param name="capacity">Callers beyond this many wait for room.</param>
internal sealed class GroupQueue<T>(int capacity, int largestBatch)
    where T : notnull
{
    private readonly Channel<Queued<T>> _queue = Channel.CreateBounded<Queued<T>>(new BoundedChannelOptions(capacity) { SingleReader = true });

    /// <summary>How many wait for the flusher.</summary>
    public int Count => _queue.Reader.Count;

    /// <summary>Puts an item in line; the result's task ends with the flusher's verdict.</summary>
    /// <exception cref="InvalidOperationException">When the flusher has stopped.</exception>
    public async ValueTask<Queued<T>> EnqueueAsync(T item)
    {
        var queued = new Queued<T>(item);
        try
        {
            // Not cancelled with the caller: what happened has to be written down, whoever still waits.
            await _queue.Writer.WriteAsync(queued, CancellationToken.None);
            return queued;
        }
        catch (ChannelClosedException exception)
        {
            throw new InvalidOperationException("The writer has stopped.", exception);
        }
    }

    /// <summary>Takes no more items; those in line are still read.</summary>
    public void Complete() => _queue.Writer.TryComplete();

    /// <summary>Waits for items and adds them to <paramref name="batch"/>, as many as there are and fit.</summary>
    /// <returns>False when there are none and none will come.</returns>
    public async ValueTask<bool> ReadBatchAsync(List<Queued<T>> batch, CancellationToken cancellationToken)
    {
        if (!await _queue.Reader.WaitToReadAsync(cancellationToken))
        {
            return false;
        }

        if (Count > 1)
        {
            // Those that are about to come get into this batch, and a batch costs more than what is in it.
            await Task.Yield();
        }

        ReadMore(batch);
        return true;
    }

    /// <summary>Adds what is in line now to <paramref name="batch"/>, as far as it fits.</summary>
    public void ReadMore(List<Queued<T>> batch)
    {
        while (batch.Count < largestBatch && _queue.Reader.TryRead(out var queued))
        {
            batch.Add(queued);
        }
    }
}

/// <summary>An item in line.</summary>
internal sealed class Queued<T>(T item)
{
    private readonly TaskCompletionSource _durable = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public T Item => item;

    /// <summary>Ends when the item is durable.</summary>
    public Task Durable => _durable.Task;

    public void SetDurable() => _durable.TrySetResult();

    public void SetFailed(Exception exception) => _durable.TrySetException(exception);
}
