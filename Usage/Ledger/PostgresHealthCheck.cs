using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Asks PostgreSQL something, once the ledger's schema is there, and waits for the answer no longer than a probe does. Safe to call concurrently.</summary>
public abstract class PostgresHealthCheck(ILedgerReadiness readiness) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!readiness.IsReady)
        {
            return HealthCheckResult.Unhealthy("The ledger's schema is not there yet.");
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return await AskAsync(patience.Token);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "PostgreSQL does not answer.", exception);
        }
    }

    /// <exception cref="NpgsqlException">When PostgreSQL does not answer.</exception>
    protected abstract Task<HealthCheckResult> AskAsync(CancellationToken cancellationToken);
}
