using LlmAspire.Usage;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.UsageWorker.Backlog;

/// <summary>Says when events wait for too long, calls stay open for too long, or events were rejected.</summary>
internal sealed class BacklogHealthCheck(ILedgerReadiness readiness, NpgsqlDataSource source, IOptions<BacklogOptions> options) : PostgresHealthCheck(readiness)
{
    public const string Name = "backlog";

    protected override async Task<HealthCheckResult> AskAsync(CancellationToken cancellationToken) =>
        Judge(await LedgerBacklog.ReadAsync(source, cancellationToken), options.Value);

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
