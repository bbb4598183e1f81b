using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmAspire.Usage;

/// <summary>
/// While PostgreSQL is away asks whether it is back; then sends what the spool has. At the start, and now and then, it takes up the files of processes
/// that are gone: what they settled is sent, and what they had only opened becomes interrupted.
/// </summary>
internal sealed class SpoolReplayer(
    SpoolSender sender,
    SpoolFile spool,
    HeldSpools heldSpools,
    PostgresState postgres,
    RunningCalls running,
    ILedgerReadiness readiness,
    IOptions<DurabilityOptions> durability,
    IOptions<SpoolOptions> options,
    TimeProvider time,
    ILogger<SpoolReplayer> logger) : BackgroundService
{
    private const int LargestBatch = 500;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await readiness.WhenReadyAsync(stoppingToken);
        var adopted = DateTimeOffset.MinValue;
        var waits = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (postgres.AwaySince is not null)
                {
                    await postgres.AskWhetherBackAsync(stoppingToken);
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

    private async Task ReplayOwnAsync(CancellationToken cancellationToken)
    {
        long position = 0;
        var (replayed, isWhole) = (0, true);
        while (spool.Read(position, LargestBatch) is { Count: > 0 } entries)
        {
            var (sent, held) = await sender.SendAsync(entries, running.Contains, cancellationToken);
            spool.Delete(sent);
            isWhole &= held.Count == 0 || TrySeparate(held);
            // Of what is held back too: its call is the sweeper's, until the event can be sent.
            foreach (var settled in entries.Where(entry => entry.Kind == SpoolKind.Settle))
            {
                running.Remove(settled.CallId);
            }

            position = entries[^1].Position;
            replayed += sent.Count;
        }

        if (position > 0 && isWhole)
        {
            spool.RemoveWhenReplayed(position);
        }

        if (replayed > 0)
        {
            logger.SpoolReplayed(replayed);
        }
    }

    /// <returns>False when the disk does not take them: they stay where they are.</returns>
    private bool TrySeparate(IReadOnlyList<(SpoolEntry Entry, Exception Reason)> held)
    {
        try
        {
            spool.Separate([.. held.Select(one => one.Entry)], held[0].Reason);
            return true;
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            logger.NotReplayed(exception, held.Count);
            return false;
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
                catch (Exception exception) when (!PostgresErrors.IsAway(exception) && exception is not (OperationCanceledException or TimeoutException))
                {
                    // A matter of this file, as far as anybody knows: there may be others.
                    heldSpools.Hold(database.Path, exception);
                }
            }
        }
    }

    private async Task EmptyAsync(SpoolDatabase database, CancellationToken cancellationToken)
    {
        long position = 0;
        var (settled, interrupted) = (0, 0);
        Exception? reason = null;
        while (database.Read(position, LargestBatch) is { Count: > 0 } entries)
        {
            var (sent, held) = await sender.SendAsync(entries, isRunning: null, cancellationToken);
            reason ??= held is [var (_, first), ..] ? first : null;
            SpoolFile.Delete(database, sent);
            position = entries[^1].Position;
            interrupted += sent.Count(entry => entry.Kind == SpoolKind.Open);
            settled += sent.Count(entry => entry.Kind == SpoolKind.Settle);
        }

        if (settled + interrupted > 0 || reason is null)
        {
            logger.SpoolAdopted(database.Path, settled, interrupted);
        }

        if (reason is not null)
        {
            heldSpools.Hold(database.Path, reason);
            return;
        }

        SpoolFile.Remove(database);
        heldSpools.Release(database.Path);
    }
}
