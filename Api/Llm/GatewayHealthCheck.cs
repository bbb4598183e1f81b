using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.Api.Llm;

/// <summary>
/// Unhealthy until the gateway was reached once. When it goes away later the Api is only degraded, which still counts as
/// ready: it lists models, and takes no chat to another replica that would reach the gateway no better.
/// </summary>
internal sealed class GatewayHealthCheck(IModelCatalog catalog) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken) => Task.FromResult(
        !catalog.IsLoaded ? HealthCheckResult.Unhealthy("The gateway was not reached yet.")
        : catalog.IsStale ? HealthCheckResult.Degraded("The gateway does not answer.")
        : HealthCheckResult.Healthy());
}
