using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using OpenTelemetry;

namespace LlmAspire.Usage;

/// <summary>
/// Puts usage events into the inbox, in groups: what comes in while one batch is committed makes the next. One flusher, so
/// one NOTIFY a batch. While PostgreSQL is away events stay in memory and are tried again; a commit in doubt is sent twice,
/// which the ledger's key absorbs. At shutdown it writes what it has, until the host's shutdown time-out.
/// </summary>
internal sealed class InboxWriter(NpgsqlDataSource source, ILedgerReadiness readiness, TimeProvider time, ILogger<InboxWriter> logger)
    : BackgroundService, IUsageEventWriter
{
    public const string Channel = "usage_inbox";

    /// <summary>Callers beyond this many wait for room.</summary>
    private const int Capacity = 10_000;

    private const int LargestBatch = 1_000;

    // One round trip and, having one Sync, one transaction.
    private const string Insert = """
        INSERT INTO ledger.usage_inbox (event, traceparent)
        SELECT * FROM unnest($1::jsonb[], $2::text[])
        """;

    private const string Notify = $"NOTIFY {Channel}";

    private readonly Channel<Pending> _queue = System.Threading.Channels.Channel.CreateBounded<Pending>(
        new BoundedChannelOptions(Capacity) { SingleReader = true });

    private readonly CancellationTokenSource _deadline = new();

    /// <summary>Batches that were committed.</summary>
    internal long Batches { get; private set; }

    public async Task WriteAsync(UsageEvent usageEvent, CancellationToken cancellationToken)
    {
        // Throws for an id that is no UUID version 7, here where the caller can see it.
        _ = usageEvent.CreatedAt;
        var pending = new Pending(usageEvent, UsageEventJson.Serialize(usageEvent));
        await EnqueueAsync(pending).WaitAsync(cancellationToken);
        await pending.Written.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Closes the queue and waits until it is written, or until <paramref name="cancellationToken"/> says that time is up.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
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
        // A trace for each batch would belong to no user action.
        using var quiet = SuppressInstrumentationScope.Begin();
        List<Pending> batch = [];
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_deadline.Token))
            {
                await readiness.WhenReadyAsync(_deadline.Token);
                while (batch.Count < LargestBatch && _queue.Reader.TryRead(out var pending))
                {
                    batch.Add(pending);
                }

                await WriteUntilTakenAsync(batch);
                batch.ForEach(pending => pending.Written.TrySetResult());
                batch.Clear();
            }
        }
        catch (OperationCanceledException) when (_deadline.IsCancellationRequested)
        {
            while (_queue.Reader.TryRead(out var pending))
            {
                batch.Add(pending);
            }

            foreach (var pending in batch)
            {
                logger.EventNotWritten(pending.Event.Id, pending.Json);
                pending.Written.TrySetException(new InvalidOperationException("The writer has stopped before the event could be written."));
            }
        }
    }

    private async Task EnqueueAsync(Pending pending)
    {
        try
        {
            // Not cancelled with the caller: the event happened, whoever still waits.
            await _queue.Writer.WriteAsync(pending, CancellationToken.None);
        }
        catch (ChannelClosedException exception)
        {
            throw new InvalidOperationException("The writer has stopped.", exception);
        }
    }

    private async Task WriteUntilTakenAsync(IReadOnlyList<Pending> batch)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), time);
        var wasAway = false;
        while (true)
        {
            try
            {
                await WriteAsync(batch);
                if (wasAway)
                {
                    logger.InboxBack();
                }

                return;
            }
            catch (PostgresException exception) when (SqlErrors.IsDataError(exception) && batch.Count > 1)
            {
                foreach (var pending in batch)
                {
                    await WriteUntilTakenAsync([pending]);
                }

                return;
            }
            catch (PostgresException exception) when (SqlErrors.IsDataError(exception) && !batch[0].RawUsageIsText)
            {
                logger.RawUsageStoredAsText(batch[0].Event.Id, exception.MessageText);
                batch[0].StoreRawUsageAsText();
            }
            catch (Exception exception) when (!_deadline.IsCancellationRequested)
            {
                wasAway = true;
                logger.InboxAway(exception, batch.Count + _queue.Reader.Count, backoff.Next);
                await backoff.WaitAsync(_deadline.Token);
            }
        }
    }

    private async Task WriteAsync(IReadOnlyList<Pending> events)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Insert)
        {
            Parameters =
            {
                new() { Value = events.Select(pending => pending.Json).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb },
                new() { Value = events.Select(pending => pending.Event.Traceparent?.Replace('\0', '\uFFFD')).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Notify));
        await batch.ExecuteNonQueryAsync(_deadline.Token);
        Batches++;
    }

    private sealed class Pending(UsageEvent usageEvent, string json)
    {
        public UsageEvent Event => usageEvent;

        public string Json { get; private set; } = json;

        public bool RawUsageIsText { get; private set; }

        public TaskCompletionSource Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void StoreRawUsageAsText()
        {
            Json = UsageEventJson.SerializeWithRawUsageAsText(usageEvent);
            RawUsageIsText = true;
        }
    }
}
