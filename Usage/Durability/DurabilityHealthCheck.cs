using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.Usage;

/// <summary>
/// Unhealthy when neither PostgreSQL nor the spool takes events: no call may be made. Degraded while the spool has something, or has to
/// take what comes, and while a file of it cannot be emptied.
/// </summary>
internal sealed class DurabilityHealthCheck(UsageEventWriter writer, SpoolFile spool, HeldSpools held, PostgresState postgres, TimeProvider time) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        !writer.TakesEvents ? HealthCheckResult.Unhealthy($"Neither PostgreSQL nor the spool takes events; {writer.Waiting} wait in memory.")
        : spool.Oldest is { } oldest ? HealthCheckResult.Degraded(
            $"{spool.Count} entries wait in the spool, the oldest for {(time.GetUtcNow() - oldest).TotalSeconds:0} s.")
        : postgres.AwaySince is { } since ? HealthCheckResult.Degraded(
            $"PostgreSQL has not answered for {(time.GetUtcNow() - since).TotalSeconds:0} s; the spool takes its place.")
        : held.Any is var (path, reason) ? HealthCheckResult.Degraded($"{held.Count} files of the spool cannot be emptied. {path}: {reason}")
        : HealthCheckResult.Healthy());
}
