using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Whether PostgreSQL answers, as far as this process knows. While it is known to be away nobody waits for it but
/// <see cref="SpoolReplayer"/>, which says when it is back. Safe to use from any thread.
/// </summary>
internal sealed class PostgresState(ILedgerReadiness readiness, IOptions<DurabilityOptions> options, TimeProvider time, ILogger<PostgresState> logger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private DateTimeOffset? _awaySince;
    private int _outage;

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

    /// <summary>Counts the outages: what is allowed for one is allowed anew in the next.</summary>
    public int Outage
    {
        get
        {
            lock (_lock)
            {
                return _outage;
            }
        }
    }

    /// <summary>
    /// Does something that may be done twice, such as a batch whose commit was in doubt: again and again, for as long as PostgreSQL may
    /// take. A short restart costs some callers a moment, and is no outage.
    /// </summary>
    /// <returns>False when PostgreSQL is away, since now or before.</returns>
    /// <exception cref="PostgresException">When PostgreSQL answered that it does not take these data.</exception>
    public async Task<bool> TryAsync(Func<CancellationToken, Task> attempt, CancellationToken cancellationToken)
    {
        if (IsAway)
        {
            return false;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Value.PostgresPatience);
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
                    MarkAway(exception);
                    return false;
                }
            }
        }
    }

    public void MarkBack()
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

    private void MarkAway(Exception exception)
    {
        lock (_lock)
        {
            if (_awaySince is null)
            {
                _awaySince = time.GetUtcNow();
                _outage++;
                logger.PostgresAway(PostgresErrors.Reason(exception));
            }
        }
    }
}
