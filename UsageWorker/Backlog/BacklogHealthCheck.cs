using LlmAspire.Usage;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;
using OpenTelemetry;

namespace LlmAspire.UsageWorker.Backlog;

/// <summary>Says when events wait for too long, calls stay open for too long, or events were rejected.</summary>
internal sealed class BacklogHealthCheck(ILedgerReadiness readiness, NpgsqlDataSource source, IOptions<BacklogOptions> options) : IHealthCheck
{
    public const string Name = "backlog";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!readiness.IsReady)
        {
            return HealthCheckResult.Unhealthy("The ledger's schema is not there yet.");
        }

        using var quiet = SuppressInstrumentationScope.Begin();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            return Judge(await LedgerBacklog.ReadAsync(source, patience.Token), options.Value);
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, "PostgreSQL does not answer.", exception);
        }
    }

    internal static HealthCheckResult Judge(LedgerBacklog backlog, BacklogOptions options)
    {
        List<string> findings = [];
        if (backlog.InboxLag > options.DegradedInboxLag)
        {
            findings.Add($"{backlog.InboxDepth} events wait in the inbox, the oldest for {backlog.InboxLag.TotalSeconds:0} s.");
        }

        if (backlog.OldestOpenCall > options.DegradedOpenCall)
        {
            findings.Add($"Of {backlog.OpenCalls} open calls the oldest has been open for {backlog.OldestOpenCall.TotalMinutes:0} min.");
        }

        if (backlog.RecentlyRejected > options.ToleratedRejections)
        {
            findings.Add($"{backlog.RecentlyRejected} events were rejected in the last hour, see ledger.usage_rejected.");
        }

        var status = backlog.InboxLag > options.UnhealthyInboxLag ? HealthStatus.Unhealthy
            : findings.Count > 0 ? HealthStatus.Degraded
            : HealthStatus.Healthy;
        return new HealthCheckResult(status, findings.Count > 0 ? string.Join(' ', findings) : null);
    }
}
