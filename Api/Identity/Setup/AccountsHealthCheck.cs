using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.Api.Identity.Setup;

/// <summary>Unhealthy until accounts can be used. Whether PostgreSQL answers afterwards is the ledger's check to say: it is the same one.</summary>
internal sealed class AccountsHealthCheck(AccountsReadiness readiness) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) => Task.FromResult(
        readiness.IsReady ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The accounts are not there yet."));
}
