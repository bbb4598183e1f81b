using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>How long answers took, from the rows of completed calls. Safe to call concurrently.</summary>
public sealed class UsageLatencies([FromKeyedServices(ConnectionPool.Reading)] NpgsqlDataSource source, Pins pins)
{
    /// <summary>All rows of the time are read.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(31);

    /// <param name="query">Over <see cref="Longest"/> at most.</param>
    /// <param name="groupBy">A model, provider, served model, operation or day.</param>
    /// <exception cref="PinUnknownException">The query's pin is not one of the past.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public async Task<IReadOnlyList<LatencyGroup>> MeasureAsync(ReportQuery query, ReportKey groupBy, CancellationToken cancellationToken)
    {
        var asOf = await pins.CheckAsync(query.AsOf, cancellationToken);
        var parameters = new ReportParameters();
        var key = groupBy switch
        {
            ReportKey.Day => $"to_char(created_at AT TIME ZONE {parameters.Add(query.Zone, NpgsqlDbType.Text)}, 'YYYY-MM-DD')",
            ReportKey.Model => "model_alias",
            ReportKey.Provider => "provider",
            ReportKey.ServedModel => "served_model",
            ReportKey.Operation => "operation",
            _ => throw new ArgumentOutOfRangeException(nameof(groupBy), groupBy, "Latencies are not grouped by it."),
        };
        var instant = parameters.Add(asOf.RecordedAt);
        var where = ReportSql.Where(query, parameters, "created_at");
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginReportAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            $"""
            SELECT
                {key} AS key, count(*), percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY ttft_ms),
                percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_ms),
                percentile_cont(0.5) WITHIN GROUP (ORDER BY completion_tokens * 1000.0 / nullif(duration_ms - ttft_ms, 0))
            FROM ledger.usage_as_of({instant}) WHERE outcome = 'completed' AND {where}
            GROUP BY 1 ORDER BY 1
            """,
            connection);
        command.Parameters.AddRange(parameters.All.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<LatencyGroup> groups = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            groups.Add(Read(reader));
        }

        return groups;
    }

    private static LatencyGroup Read(NpgsqlDataReader reader)
    {
        var (ttft, duration) = (Percentiles(reader, 2), Percentiles(reader, 3));
        return new LatencyGroup(
            reader.IsDBNull(0) ? null : reader.GetString(0), reader.GetInt64(1), ttft?[0], ttft?[1], duration?[0], duration?[1],
            reader.IsDBNull(4) ? null : reader.GetDouble(4));
    }

    private static double[]? Percentiles(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<double[]>(column);
}

/// <summary>Milliseconds; null when no call told. The percentiles of completed calls.</summary>
/// <param name="Key">Null for an unknown provider or model.</param>
/// <param name="OutputTokensPerSecondP50">From the first token on.</param>
public sealed record LatencyGroup(
    string? Key, long Calls, double? TtftP50Ms, double? TtftP95Ms, double? DurationP50Ms, double? DurationP95Ms, double? OutputTokensPerSecondP50);
