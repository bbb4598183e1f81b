using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage;

/// <inheritdoc cref="IUsageEventWriter"/>
/// <remarks>
/// Events go into the inbox in groups: what comes in while one batch is committed makes the next. While PostgreSQL is away they go into the spool. When
/// that fails too they stay in memory, and both are tried until one takes them. At shutdown it writes what it has, until the host's shutdown
/// time-out.
/// </remarks>
internal sealed class UsageEventWriter : BackgroundService, IUsageEventWriter
{
    /// <summary>Callers beyond this many wait for room.</summary>
    private const int Capacity = 10_000;

    private const int LargestBatch = 1_000;

    private readonly GroupQueue<UsageEvent> _queue = new(Capacity, LargestBatch);
    private readonly CancellationTokenSource _deadline = new();
    private readonly InboxTable _inbox;
    private readonly PostgresState _postgres;
    private readonly SpoolFile _spool;
    private readonly RunningCalls _running;
    private readonly DurabilityMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<UsageEventWriter> _logger;
    private int _homeless;

    public UsageEventWriter(
        InboxTable inbox,
        PostgresState postgres,
        SpoolFile spool,
        RunningCalls running,
        DurabilityMetrics metrics,
        TimeProvider time,
        ILogger<UsageEventWriter> logger)
    {
        (_inbox, _postgres, _spool, _running, _metrics, _time, _logger) = (inbox, postgres, spool, running, metrics, time, logger);
        metrics.ObserveWaiting(() => Waiting);
    }

    /// <summary>Batches that were committed, to the inbox or to the spool.</summary>
    internal long Batches { get; private set; }

    /// <summary>False while events wait in memory because neither PostgreSQL nor the spool took them.</summary>
    public bool TakesEvents => Volatile.Read(ref _homeless) == 0;

    /// <summary>Events that are not durable yet.</summary>
    public int Waiting => _queue.Count + Volatile.Read(ref _homeless);

    public async Task WriteAsync(UsageEvent usageEvent, CancellationToken cancellationToken)
    {
        // Throws for an id that is no UUID version 7, here where the caller can see it.
        _ = usageEvent.CreatedAt;
        // Here, where nobody else waits: what the raw usage has must not hold up others.
        var queued = await _queue.EnqueueAsync(StorableUsage.Of(usageEvent)).AsTask().WaitAsync(cancellationToken);
        await queued.Durable.WaitAsync(cancellationToken);
    }

    /// <summary>Closes the queue and waits until it is written, or until <paramref name="cancellationToken"/> says that time is up.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Complete();
        await using var timeIsUp = cancellationToken.Register(_deadline.Cancel);
        await (ExecuteTask ?? Task.CompletedTask);
        await base.StopAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _deadline.Dispose();
        base.Dispose();
    }

    /// <param name="stoppingToken">Not used: what is queued is written first, see <see cref="StopAsync"/>.</param>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        List<Queued<UsageEvent>> batch = [];
        try
        {
            while (await _queue.ReadBatchAsync(batch, _deadline.Token))
            {
                await WriteAsync(batch);
                batch.Clear();
                Batches++;
            }
        }
        catch (Exception) when (_deadline.IsCancellationRequested)
        {
            GiveUp(batch);
        }
    }

    /// <summary>Ends when each event was answered. Whatever fails, the next ones can be written.</summary>
    private async Task WriteAsync(List<Queued<UsageEvent>> batch)
    {
        try
        {
            await WriteUntilTakenAsync(batch);
            batch.ForEach(queued => queued.SetDurable());
        }
        catch (Exception exception) when (!_deadline.IsCancellationRequested)
        {
            batch.ForEach(queued => Fail(queued, exception));
        }
    }

    private async Task WriteUntilTakenAsync(List<Queued<UsageEvent>> batch)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1), _time);
        while (!await TryPostgresAsync(batch) && !TrySpool(batch, backoff.Next))
        {
            Volatile.Write(ref _homeless, batch.Count);
            await backoff.WaitAsync(_deadline.Token);
            // The spool may have room, or PostgreSQL be back, by now: then all of them go together.
            _queue.ReadMore(batch);
        }

        Volatile.Write(ref _homeless, 0);
    }

    private async Task<bool> TryPostgresAsync(List<Queued<UsageEvent>> batch)
    {
        try
        {
            if (!await _postgres.TryAsync(patience => _inbox.InsertAsync([.. batch.Select(queued => queued.Item)], patience), _deadline.Token))
            {
                return false;
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // The inbox takes any JSON: this is no matter of one event. Whatever it is must not end the writer.
            _logger.InboxRefuses(exception, batch.Count);
            return false;
        }

        batch.ForEach(queued => _running.Remove(queued.Item.Id));
        Measure(batch.Count, DurabilityMetrics.Inbox);
        return true;
    }

    private bool TrySpool(List<Queued<UsageEvent>> batch, TimeSpan wait)
    {
        var entries = Serialize(batch);
        batch.RemoveAll(queued => queued.Durable.IsCompleted);
        if (batch.Count == 0)
        {
            return true;
        }

        try
        {
            // Their calls stay among the running ones: the sweeper must not take what it cannot see.
            _spool.Append(entries);
        }
        catch (Exception exception)
        {
            // A full or broken disk, or whatever else: it must not end the writer.
            _logger.NothingTakesEvents(exception, batch.Count + _queue.Count, wait);
            return false;
        }

        Measure(entries.Count, DurabilityMetrics.Spool);
        return true;
    }

    /// <summary>For the spool. One that cannot be written as JSON fails here, and is left out: the others must not wait for it.</summary>
    private List<SpoolEntry> Serialize(List<Queued<UsageEvent>> batch)
    {
        List<SpoolEntry> entries = [];
        foreach (var queued in batch)
        {
            try
            {
                entries.Add(SpoolEntry.Of(queued.Item));
            }
            catch (Exception exception)
            {
                Fail(queued, exception);
            }
        }

        return entries;
    }

    private void Fail(Queued<UsageEvent> queued, Exception exception)
    {
        if (!queued.Durable.IsCompleted)
        {
            _logger.EventUnwritable(exception, queued.Item.Id);
            // Nobody settles the call any more: it becomes the sweeper's.
            _running.Remove(queued.Item.Id);
            queued.SetFailed(new InvalidOperationException("The event can be written nowhere.", exception));
        }
    }

    /// <summary>Who listens to a metric must not end the writer.</summary>
    private void Measure(int count, string where)
    {
        try
        {
            _metrics.Durable(count, where);
        }
        catch (Exception exception)
        {
            _logger.NotMeasured(exception);
        }
    }

    private void GiveUp(List<Queued<UsageEvent>> batch)
    {
        _queue.ReadMore(batch);
        while (batch.Count > 0)
        {
            // The last chance: PostgreSQL did not answer in time.
            if (!TrySpool(batch, TimeSpan.Zero))
            {
                foreach (var queued in batch)
                {
                    _logger.EventNotWritten(queued.Item.Id, UsageEventJson.Serialize(queued.Item));
                    queued.SetFailed(new InvalidOperationException("The writer has stopped before the event could be written."));
                }
            }

            batch.ForEach(queued => queued.SetDurable());
            batch.Clear();
            _queue.ReadMore(batch);
        }
    }
}
