using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// While PostgreSQL is away asks whether it is back; then sends what the spool has. At the start, and now and then, it takes up the files of processes
/// that are gone: what they settled is sent, and what they had only opened becomes interrupted.
/// </summary>
internal sealed class SpoolReplayer(
    NpgsqlDataSource source,
    InboxTable inbox,
    OpenCallTable openCalls,
    SpoolFile spool,
    PostgresState postgres,
    RunningCalls running,
    IEnumerable<IRunReplay> runs,
    ILedgerReadiness readiness,
    IOptions<DurabilityOptions> durability,
    IOptions<SpoolOptions> options,
    TimeProvider time,
    ILogger<SpoolReplayer> logger) : BackgroundService
{
    private const int LargestBatch = 500;

    /// <summary>The places of entries that were reported already.</summary>
    private readonly HashSet<long> _unreadable = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenReadyAsync(stoppingToken);
        var adopted = DateTimeOffset.MinValue;
        var waits = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (postgres.AwaySince is not null && await IsBackAsync(stoppingToken))
                {
                    postgres.MarkBack();
                }

                if (postgres.AwaySince is null)
                {
                    await ReplayOwnAsync(stoppingToken);
                    if (time.GetUtcNow() - adopted >= options.Value.AdoptionInterval)
                    {
                        await AdoptAsync(stoppingToken);
                        adopted = time.GetUtcNow();
                    }

                    waits = false;
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // Whatever it is, it must not end the process: it is tried again, and the entries stay where they are.
                var isAway = PostgresErrors.IsAway(exception);
                if (!isAway)
                {
                    logger.NotReplayed(exception, spool.Count);
                }
                else if (!waits)
                {
                    logger.ReplayWaits(spool.Count, PostgresErrors.Reason(exception));
                }

                waits = isAway;
            }

            await Task.Delay(durability.Value.ProbeInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> IsBackAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(durability.Value.PostgresPatience);
        try
        {
            // Not a read: a standby or a server without room for a commit would answer one.
            await using var command = source.CreateCommand("SELECT pg_current_xact_id()");
            await command.ExecuteScalarAsync(patience.Token);
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task ReplayOwnAsync(CancellationToken cancellationToken)
    {
        long position = 0;
        var (replayed, isWhole) = (0, true);
        while (spool.Read(position, LargestBatch) is { Count: > 0 } entries)
        {
            List<OpenCall> open = [];
            var (readable, events, foreign) = Read(entries, entry =>
            {
                // A call that is over has its settle in the inbox: opening it again would leave it open.
                if (entry.Kind == SpoolKind.Open && running.Contains(entry.CallId))
                {
                    open.Add(entry.ToOpenCall());
                }

                return entry.Kind == SpoolKind.Settle ? entry.ToUsageEvent() : null;
            });
            await SendAsync(events, cancellationToken);
            var unread = await SendRunsAsync(entries, cancellationToken);
            readable.RemoveAll(entry => unread.Exists(one => one.Entry == entry));
            foreign ??= unread is [var (_, reason), ..] ? reason : null;
            if (open.Count > 0)
            {
                // Without a limit: they were admitted, and run.
                await openCalls.InsertAsync(open, cancellationToken);
            }

            spool.Delete(readable);
            events.ForEach(settled => running.Remove(settled.Id));
            if (foreign is not null)
            {
                isWhole = false;
                ReportUnreadable(entries.Except(readable), foreign);
            }

            position = entries[^1].Position;
            replayed += readable.Count;
        }

        if (replayed > 0)
        {
            if (isWhole)
            {
                spool.RemoveWhenReplayed(position);
            }

            logger.SpoolReplayed(replayed);
        }
    }

    /// <summary>They stay in the file, which the next process that finds it sets aside for a person to look at.</summary>
    private void ReportUnreadable(IEnumerable<SpoolEntry> entries, JsonException reason)
    {
        foreach (var entry in entries.Where(entry => _unreadable.Add(entry.Position)))
        {
            logger.EntryUnreadable(reason, entry.CallId);
        }
    }

    private async Task AdoptAsync(CancellationToken cancellationToken)
    {
        foreach (var database in spool.Adopt())
        {
            using (database)
            {
                try
                {
                    await EmptyAsync(database, cancellationToken);
                }
                catch (SqliteException exception) when (SpoolDatabase.IsBroken(exception))
                {
                    spool.SetAside(database, exception);
                }
                catch (Exception exception) when (exception is not (NpgsqlException or OperationCanceledException or TimeoutException))
                {
                    // This one is tried again later; there may be others.
                    logger.SpoolNotAdopted(exception, database.Path);
                }
            }
        }
    }

    private async Task EmptyAsync(SpoolDatabase database, CancellationToken cancellationToken)
    {
        long position = 0;
        var (settled, interrupted) = (0, 0);
        JsonException? foreign = null;
        while (database.Read(position, LargestBatch) is { Count: > 0 } entries)
        {
            var (sent, events, unreadable) = Read(entries, entry => entry.Kind switch
            {
                SpoolKind.Open => entry.ToInterrupted(),
                SpoolKind.Settle => entry.ToUsageEvent(),
                _ => null,
            });
            foreign ??= unreadable;
            await SendAsync(events, cancellationToken);
            var unread = await SendRunsAsync(entries, cancellationToken);
            sent.RemoveAll(entry => unread.Exists(one => one.Entry == entry));
            foreign ??= unread is [var (_, reason), ..] ? reason : null;
            SpoolFile.Delete(database, sent);
            position = entries[^1].Position;
            interrupted += sent.Count(entry => entry.Kind == SpoolKind.Open);
            settled += sent.Count(entry => entry.Kind == SpoolKind.Settle);
        }

        logger.SpoolAdopted(database.Path, settled, interrupted);
        if (foreign is null)
        {
            SpoolFile.Remove(database);
        }
        else
        {
            // An older version wrote it, or a newer one: what is left of it is for a person to look at.
            spool.SetAside(database, foreign);
        }
    }

    /// <param name="toEvent">Null for an entry that makes no event.</param>
    /// <returns>The entries that could be read, their events, and why others could not be read.</returns>
    private static (List<SpoolEntry> Readable, List<UsageEvent> Events, JsonException? Foreign) Read(
        IReadOnlyList<SpoolEntry> entries, Func<SpoolEntry, UsageEvent?> toEvent)
    {
        List<SpoolEntry> readable = [];
        List<UsageEvent> events = [];
        JsonException? foreign = null;
        foreach (var entry in entries)
        {
            try
            {
                if (toEvent(entry) is { } usageEvent)
                {
                    events.Add(usageEvent);
                }

                readable.Add(entry);
            }
            catch (JsonException exception)
            {
                foreign = exception;
            }
        }

        return (readable, events, foreign);
    }

    /// <returns>Those that are none of this version. They do not hold up the others.</returns>
    private async Task<List<(SpoolEntry Entry, JsonException Reason)>> SendRunsAsync(IReadOnlyList<SpoolEntry> entries, CancellationToken cancellationToken)
    {
        SpoolEntry[] records = [.. entries.Where(entry => entry.Kind == SpoolKind.Run)];
        try
        {
            foreach (var replay in records.Length == 0 ? [] : runs)
            {
                await replay.ReplayAsync([.. records.Select(record => record.Body)], cancellationToken);
            }

            return [];
        }
        catch (JsonException exception) when (records.Length == 1)
        {
            return [(records[0], exception)];
        }
        catch (JsonException)
        {
            List<(SpoolEntry, JsonException)> unread = [];
            foreach (var record in records)
            {
                unread.AddRange(await SendRunsAsync([record], cancellationToken));
            }

            return unread;
        }
    }

    private Task SendAsync(List<UsageEvent> events, CancellationToken cancellationToken) =>
        events.Count == 0 ? Task.CompletedTask : inbox.InsertAsync(events, cancellationToken);
}
