using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Whether PostgreSQL answers, as far as this process knows. While it is known to be away nobody waits for it but
/// <see cref="SpoolReplayer"/>, which says when it is back. Where it answers and a statement waits all the same, behind a lock or much work, it is busy: that statement's data go
/// another way, and the next one is tried. Safe to use from any thread.
/// </summary>
internal sealed class PostgresState(
    PostgresProbe probe, ILedgerReadiness readiness, IOptions<DurabilityOptions> options, TimeProvider time, ILogger<PostgresState> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>A busy server is told of once in a while, not for each statement.</summary>
    private static readonly TimeSpan BusyNews = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private DateTimeOffset? _awaySince;
    private DateTimeOffset _busyTold = DateTimeOffset.MinValue;
    private long _busy;
    private int _answers;

    /// <summary>Before the schema is there nothing can be written either.</summary>
    public bool IsAway => !readiness.IsReady || AwaySince is not null;

    /// <summary>Null while it answers.</summary>
    public DateTimeOffset? AwaySince
    {
        get
        {
            lock (_lock)
            {
                return _awaySince;
            }
        }
    }

    /// <summary>How often a statement was given up although PostgreSQL answered.</summary>
    public long Busy => Interlocked.Read(ref _busy);

    /// <summary>
    /// Does something that may be done twice, such as a batch whose commit was in doubt: again and again, for as long as PostgreSQL may
    /// take. A short restart costs some callers a moment, and is no outage.
    /// </summary>
    /// <returns>False when PostgreSQL is away, since now or before, or too busy for this.</returns>
    /// <exception cref="PostgresException">When PostgreSQL answered that it does not take these data.</exception>
    public async Task<bool> TryAsync(Func<CancellationToken, Task> attempt, CancellationToken cancellationToken)
    {
        if (IsAway)
        {
            return false;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.PostgresPatience);
        // Asked while there is still time to wait for the answer: who finds out that PostgreSQL is away waits no longer for it.
        using var asking = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
        var answers = AskAsync(asking.Token);
        try
        {
            while (true)
            {
                try
                {
                    await attempt(patience.Token);
                    return true;
                }
                catch (PostgresException exception) when (SqlErrors.IsDataError(exception))
                {
                    throw;
                }
                catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException or TimeoutException)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    // Connections of before a restart fail at once; what follows may be answered.
                    await Task.Delay(Pause, time, patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    if (patience.IsCancellationRequested)
                    {
                        cancellationToken.ThrowIfCancellationRequested();
                        MarkFailed(exception, isBusy: await answers);
                        return false;
                    }
                }
            }
        }
        finally
        {
            await asking.CancelAsync();
            await answers;
        }
    }

    /// <summary>When half of the time is over; most statements are done long before.</summary>
    private async Task<bool> AskAsync(CancellationToken patience)
    {
        await Task.Delay(options.Value.PostgresPatience / 2, time, patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !patience.IsCancellationRequested && await probe.AnswersAsync(patience);
    }

    /// <summary>Asks an absent PostgreSQL whether it is back. It is when it answers more than once: between two stops it is not.</summary>
    public async Task AskWhetherBackAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.PostgresPatience);
        _answers = await probe.AnswersAsync(patience.Token) ? _answers + 1 : 0;
        cancellationToken.ThrowIfCancellationRequested();
        if (_answers >= options.Value.AnswersUntilBack)
        {
            _answers = 0;
            MarkBack();
        }
    }

    private void MarkBack()
    {
        lock (_lock)
        {
            if (_awaySince is not { } since)
            {
                return;
            }

            _awaySince = null;
            logger.PostgresBack(time.GetUtcNow() - since);
        }
    }

    private void MarkFailed(Exception exception, bool isBusy)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (isBusy)
            {
                Interlocked.Increment(ref _busy);
                if (now - _busyTold >= BusyNews)
                {
                    _busyTold = now;
                    logger.PostgresBusy(options.Value.PostgresPatience, PostgresErrors.Reason(exception));
                }
            }
            else if (_awaySince is null)
            {
                _awaySince = now;
                logger.PostgresAway(PostgresErrors.Reason(exception));
            }
        }
    }
}
