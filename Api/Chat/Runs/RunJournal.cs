using LlmAspire.Usage;
using Npgsql;

namespace LlmAspire.Api.Chat.Runs;

/// <inheritdoc cref="IRunJournal"/>
/// <remarks>
/// What comes in while one group is committed makes the next. While PostgreSQL is away, and until what was spooled before has been replayed, the spool
/// takes it. When that fails too it stays in memory, and both are tried until one takes it, or until the host's shutdown time-out.
/// </remarks>
internal sealed partial class RunJournal(
    RunTable table, ChatRuns runs, PostgresState postgres, SpoolFile spool, TimeProvider time, ILogger<RunJournal> logger)
    : BackgroundService, IRunJournal, IRunReplay
{
    /// <summary>Callers beyond this many wait for room.</summary>
    private const int Capacity = 10_000;

    private const int LargestBatch = 1_000;

    private readonly GroupQueue<RunRecord> _queue = new(Capacity, LargestBatch);
    private readonly CancellationTokenSource _deadline = new();

    public async Task WriteAsync(RunRecord record, CancellationToken cancellationToken)
    {
        Queued<RunRecord> queued;
        try
        {
            queued = await _queue.EnqueueAsync(record).AsTask().WaitAsync(cancellationToken);
        }
        catch (InvalidOperationException exception)
        {
            throw new LedgerUnavailableException("The service is stopping.", exception);
        }

        await queued.Durable.WaitAsync(cancellationToken);
    }

    public async Task ReplayAsync(IReadOnlyList<string> records, CancellationToken cancellationToken) =>
        await WriteToPostgresAsync([.. records.Select(RunRecord.Deserialize)], cancellationToken);

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
        List<Queued<RunRecord>> batch = [];
        try
        {
            while (await _queue.ReadBatchAsync(batch, _deadline.Token))
            {
                var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1), time);
                while (!await TryPostgresAsync(batch) && !TrySpool(batch, backoff.Next))
                {
                    await backoff.WaitAsync(_deadline.Token);
                }

                batch.ForEach(queued => queued.SetDurable());
                batch.Clear();
            }
        }
        catch (OperationCanceledException) when (_deadline.IsCancellationRequested)
        {
            _queue.ReadMore(batch);
            var spooled = TrySpool(batch, TimeSpan.Zero);
            batch.ForEach(queued => End(queued, spooled));
        }
    }

    private static void End(Queued<RunRecord> queued, bool durable)
    {
        if (durable)
        {
            queued.SetDurable();
        }
        else
        {
            queued.SetFailed(new LedgerUnavailableException("The service stopped before the record could be written."));
        }
    }

    private async Task<bool> TryPostgresAsync(List<Queued<RunRecord>> batch)
    {
        // What was spooled has to come first.
        if (spool.Count > 0)
        {
            return false;
        }

        RunRecord[] records = [.. batch.Select(queued => queued.Item)];
        try
        {
            return await postgres.TryAsync(patience => WriteToPostgresAsync(records, patience), _deadline.Token);
        }
        catch (PostgresException exception)
        {
            LogRefused(logger, exception, batch.Count);
            return false;
        }
    }

    private bool TrySpool(List<Queued<RunRecord>> batch, TimeSpan wait)
    {
        try
        {
            spool.Append([.. batch.Select(queued => SpoolEntry.OfRun(queued.Item.RunId, queued.Item.Serialize()))]);
            return true;
        }
        catch (SpoolException exception)
        {
            LogNothingTakesRuns(logger, exception, batch.Count, wait);
            return false;
        }
    }

    private async Task WriteToPostgresAsync(RunRecord[] records, CancellationToken cancellationToken)
    {
        try
        {
            Tell(await table.WriteAsync(records, cancellationToken));
        }
        catch (PostgresException exception) when (SqlErrors.IsDataError(exception) && records.Length > 1)
        {
            foreach (var record in records)
            {
                await WriteToPostgresAsync([record], cancellationToken);
            }
        }
        catch (PostgresException exception) when (SqlErrors.IsDataError(exception))
        {
            // The others must not suffer for it, nor must it be tried for ever.
            LogLost(logger, exception, records[0].RunId, records[0].GetType().Name);
        }
    }

    private void Tell(IReadOnlyList<RunVerdict> verdicts)
    {
        foreach (var verdict in verdicts)
        {
            if (!verdict.IsMine)
            {
                runs.FindLocal(verdict.RunId)?.Fence(verdict.Attempt);
            }
            else if (verdict.StopRequested)
            {
                runs.FindLocal(verdict.RunId)?.Stop();
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "PostgreSQL refuses {Count} records of runs: they go to the spool")]
    private static partial void LogRefused(ILogger logger, Exception exception, int count);

    [LoggerMessage(LogLevel.Error, "Neither PostgreSQL nor the spool takes records of runs: {Count} wait in memory, trying again in {Wait}")]
    private static partial void LogNothingTakesRuns(ILogger logger, Exception exception, int count, TimeSpan wait);

    [LoggerMessage(LogLevel.Critical, "PostgreSQL can never take a record of run {RunId} ({Kind}): it is left out")]
    private static partial void LogLost(ILogger logger, Exception exception, Guid runId, string kind);
}
