using Microsoft.Extensions.Diagnostics.HealthChecks;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Healthy when the schema is there and the database answers; without the schema nothing works at all.</summary>
internal sealed class LedgerHealthCheck(ILedgerReadiness readiness, NpgsqlDataSource source) : PostgresHealthCheck(readiness)
{
    public const string Name = "ledger";

    protected override async Task<HealthCheckResult> AskAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT 1");
        await command.ExecuteScalarAsync(cancellationToken);
        return HealthCheckResult.Healthy();
    }
}
