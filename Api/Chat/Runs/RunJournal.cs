using LlmAspire.Usage;
using Npgsql;

namespace LlmAspire.Api.Chat.Runs;

/// <inheritdoc cref="IRunJournal"/>
/// <remarks>
/// What comes in while one group is committed makes the next. While PostgreSQL is away, and until what was spooled before has been replayed, the spool
/// takes it. When that fails too it stays in memory, and both are tried until one takes it, or until the host's shutdown time-out. A record that fails by itself fails alone: its caller is told,
/// and the others are written.
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
        await ReplayAsync([.. records.Select(RunRecord.Deserialize)], cancellationToken);

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
                await WriteAsync(batch);
                batch.Clear();
            }
        }
        catch (Exception) when (_deadline.IsCancellationRequested)
        {
            GiveUp(batch);
        }
    }

    /// <summary>Ends when each record was answered. Whatever else fails, the next ones can be written.</summary>
    /// <exception cref="OperationCanceledException">Time is up.</exception>
    private async Task WriteAsync(IReadOnlyList<Queued<RunRecord>> batch)
    {
        try
        {
            await WriteUntilTakenAsync(batch);
        }
        catch (Exception exception) when (!_deadline.IsCancellationRequested)
        {
            Fail(batch, exception);
        }
    }

    private async Task WriteUntilTakenAsync(IReadOnlyList<Queued<RunRecord>> batch)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(1), time);
        while (true)
        {
            var (isWritten, refusal) = await TryPostgresAsync(batch);
            if (isWritten)
            {
                SetDurable(batch);
                return;
            }

            if (batch.Count > 1 && refusal is not null)
            {
                // One of them, which must not fail the others. Each alone, in their order.
                foreach (var queued in batch)
                {
                    await WriteAsync([queued]);
                }

                return;
            }

            if (refusal is PostgresException data && SqlErrors.IsDataError(data))
            {
                Fail(batch, data);
                return;
            }

            // Serialized before the disk is asked: what is no JSON is no matter of the disk.
            if (Serialize(batch) is var entries && (entries.Count == 0 || TrySpool(entries, backoff.Next)))
            {
                SetDurable(batch);
                return;
            }

            if (refusal is not null)
            {
                Fail(batch, refusal);
                return;
            }

            await backoff.WaitAsync(_deadline.Token);
        }
    }

    /// <returns>Whether all were written; and, when PostgreSQL is there and they were not, why.</returns>
    private async Task<(bool IsWritten, Exception? Refusal)> TryPostgresAsync(IReadOnlyList<Queued<RunRecord>> batch)
    {
        // What was spooled has to come first.
        if (spool.Count > 0)
        {
            return (false, null);
        }

        RunRecord[] records = [.. batch.Select(queued => queued.Item)];
        try
        {
            return (await postgres.TryAsync(patience => WriteToPostgresAsync(records, patience), _deadline.Token), null);
        }
        catch (Exception exception) when (!_deadline.IsCancellationRequested)
        {
            LogRefused(logger, exception, batch.Count);
            return (false, exception);
        }
    }

    /// <summary>For the spool. One that cannot be written as JSON fails here, and is left out.</summary>
    private List<SpoolEntry> Serialize(IReadOnlyList<Queued<RunRecord>> batch)
    {
        List<SpoolEntry> entries = [];
        foreach (var queued in batch.Where(queued => !queued.Durable.IsCompleted))
        {
            try
            {
                entries.Add(SpoolEntry.OfRun(queued.Item.RunId, queued.Item.Serialize()));
            }
            catch (Exception exception)
            {
                Fail([queued], exception);
            }
        }

        return entries;
    }

    private bool TrySpool(List<SpoolEntry> entries, TimeSpan wait)
    {
        try
        {
            spool.Append(entries);
            return true;
        }
        catch (Exception exception)
        {
            LogNothingTakesRuns(logger, exception, entries.Count, wait);
            return false;
        }
    }

    /// <summary>Answers those that were not answered yet, and all that are still in line.</summary>
    private void GiveUp(List<Queued<RunRecord>> batch)
    {
        _queue.ReadMore(batch);
        while (batch.Count > 0)
        {
            // The last chance: PostgreSQL did not answer in time.
            if (Serialize(batch) is { Count: > 0 } entries && TrySpool(entries, TimeSpan.Zero))
            {
                SetDurable(batch);
            }

            batch.ForEach(queued => queued.SetFailed(new LedgerUnavailableException("The service stopped before the record could be written.")));
            batch.Clear();
            _queue.ReadMore(batch);
        }
    }

    private static void SetDurable(IEnumerable<Queued<RunRecord>> batch)
    {
        foreach (var queued in batch)
        {
            queued.SetDurable();
        }
    }

    private void Fail(IEnumerable<Queued<RunRecord>> batch, Exception exception)
    {
        foreach (var queued in batch.Where(queued => !queued.Durable.IsCompleted))
        {
            LogLost(logger, exception, queued.Item.RunId, queued.Item.GetType().Name);
            queued.SetFailed(new LedgerUnavailableException("The record cannot be written.", exception));
        }
    }

    private async Task ReplayAsync(RunRecord[] records, CancellationToken cancellationToken)
    {
        try
        {
            await WriteToPostgresAsync(records, cancellationToken);
        }
        catch (Exception exception) when (IsOfRecord(exception) && records.Length > 1)
        {
            foreach (var record in records)
            {
                await ReplayAsync([record], cancellationToken);
            }
        }
        catch (Exception exception) when (IsOfRecord(exception))
        {
            // One record must not hold up the spool for ever.
            LogLost(logger, exception, records[0].RunId, records[0].GetType().Name);
        }
    }

    /// <summary>Whether the next attempt would fail in the same way: PostgreSQL is there.</summary>
    private static bool IsOfRecord(Exception exception) => exception switch
    {
        PostgresException refused => SqlErrors.IsDataError(refused),
        NpgsqlException or OperationCanceledException or TimeoutException or ObjectDisposedException => false,
        _ => true,
    };

    private async Task WriteToPostgresAsync(RunRecord[] records, CancellationToken cancellationToken)
    {
        foreach (var verdict in await table.WriteAsync(records, cancellationToken))
        {
            try
            {
                Report(verdict);
            }
            catch (Exception exception)
            {
                // They are written all the same.
                LogNotReported(logger, exception, verdict.RunId);
            }
        }
    }

    private void Report(RunVerdict verdict)
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

    [LoggerMessage(LogLevel.Error, "{Count} records of runs cannot be written to PostgreSQL: each is tried alone, and then the spool")]
    private static partial void LogRefused(ILogger logger, Exception exception, int count);

    [LoggerMessage(LogLevel.Error, "Neither PostgreSQL nor the spool takes records of runs: {Count} wait in memory, trying again in {Wait}")]
    private static partial void LogNothingTakesRuns(ILogger logger, Exception exception, int count, TimeSpan wait);

    [LoggerMessage(LogLevel.Error, "Run {RunId} could not be told that it is not to go on")]
    private static partial void LogNotReported(ILogger logger, Exception exception, Guid runId);

    [LoggerMessage(LogLevel.Critical, "A record of run {RunId} ({Kind}) can never be written: it is left out")]
    private static partial void LogLost(ILogger logger, Exception exception, Guid runId, string kind);
}
