using System.Globalization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Degraded when nobody has taken an event out of the inbox for too long: the worker is away, hangs, or cannot keep up. It is seen from where the events come from, for a process that hangs tells
/// nothing of itself.
/// </summary>
internal sealed class IngestionHealthCheck(ILedgerReadiness readiness, NpgsqlDataSource source, IOptions<DurabilityOptions> options) : PostgresHealthCheck(readiness)
{
    public const string Name = "ingestion";

    // The identity of the inbox grows with time: no index on the times is needed.
    private const string Oldest = "SELECT enqueued_at, clock_timestamp() - enqueued_at FROM ledger.usage_inbox ORDER BY inbox_id LIMIT 1";

    protected override async Task<HealthCheckResult> AskAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Oldest);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken) || await reader.GetFieldValueAsync<TimeSpan>(1, cancellationToken) <= options.Value.IngestionPatience)
        {
            return HealthCheckResult.Healthy();
        }

        var since = await reader.GetFieldValueAsync<DateTimeOffset>(0, cancellationToken);
        return HealthCheckResult.Degraded(string.Create(
            CultureInfo.InvariantCulture,
            $"Usage waits to be booked since {since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC: usage-worker is away, hangs, or cannot keep up. Nothing is lost; reports lack what waits."));
    }
}
