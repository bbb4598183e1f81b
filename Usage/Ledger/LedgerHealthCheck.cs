using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.Usage;

/// <summary>Unhealthy until the schema is there; whether the database answers now is the context's own health check.</summary>
internal sealed class LedgerHealthCheck(ILedgerReadiness readiness) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(readiness.IsReady
            ? HealthCheckResult.Healthy()
            : new HealthCheckResult(context.Registration.FailureStatus, "The ledger's schema is not there yet."));
}
