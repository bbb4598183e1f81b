using LlmAspire.Usage;

namespace LlmAspire.UsageWorker;

/// <summary>
/// Whether the ledger can be used. That PostgreSQL is away is logged once for all that the worker does, as is that it is back: each of its works would have
/// the same to say. Safe to use from several threads.
/// </summary>
internal sealed class LedgerState(ILedgerReadiness readiness, TimeProvider time, ILogger<LedgerState> logger)
{
    private readonly Lock _lock = new();
    private DateTimeOffset? _awaySince;

    /// <summary>Waits for the schema.</summary>
    public Task WhenReadyAsync(CancellationToken cancellationToken) => readiness.WhenReadyAsync(cancellationToken);

    /// <summary>To be called when work has failed.</summary>
    /// <returns>Whether PostgreSQL is away. Else the failure has another reason, which is the caller's to log.</returns>
    public bool ReportFailure(Exception exception)
    {
        if (!PostgresErrors.IsAway(exception))
        {
            return false;
        }

        lock (_lock)
        {
            if (_awaySince is null)
            {
                _awaySince = time.GetUtcNow();
                logger.PostgresAway(PostgresErrors.Reason(exception));
            }
        }

        return true;
    }

    /// <summary>To be called when PostgreSQL has answered.</summary>
    public void ReportAnswer()
    {
        lock (_lock)
        {
            if (_awaySince is { } since)
            {
                _awaySince = null;
                logger.PostgresBack(time.GetUtcNow() - since);
            }
        }
    }
}
