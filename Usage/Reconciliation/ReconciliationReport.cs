using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>Reads what comparisons found, with what the ledger's tokens cost by the prices in force now. Safe to call concurrently.</summary>
public sealed class ReconciliationReport([FromKeyedServices(ConnectionPool.Reading)] NpgsqlDataSource source)
{
    /// <summary>What is assumed while no worker has said which share is a notice.</summary>
    private const decimal UsualThreshold = 0.01m;

    /// <summary>Days from the first, up to the last, which is not included.</summary>
    /// <exception cref="NpgsqlException">When PostgreSQL is away; so for all of these.</exception>
    public async Task<ReconciliationOverview> ReadAsync(DateOnly from, DateOnly to, bool gateway, bool invoice, CancellationToken cancellationToken)
    {
        var (state, threshold) = await ReadStateAsync(cancellationToken);
        List<ReconciliationRow> rows =
        [
            .. gateway ? await ReadRowsAsync(ReconciliationReportSql.Gateway, ReconciliationSource.Gateway, from, to, threshold, cancellationToken) : [],
            .. invoice ? await ReadRowsAsync(ReconciliationReportSql.Invoices, ReconciliationSource.Invoice, from, to, threshold, cancellationToken) : [],
        ];
        await using var last = source.CreateCommand(ReconciliationReportSql.LastComparedAt);
        var lastComparedAt = await last.ExecuteScalarAsync(cancellationToken) is DateTime time ? new DateTimeOffset(time) : (DateTimeOffset?)null;
        return new ReconciliationOverview(
            [.. rows.OrderBy(row => row.Day).ThenBy(row => row.Provider, StringComparer.Ordinal).ThenBy(row => row.Model, StringComparer.Ordinal).ThenBy(row => row.Source)],
            threshold, lastComparedAt, state);
    }

    /// <summary>What invoices of days from the first, up to the last, which is not included, differ from the ledger.</summary>
    /// <param name="threshold">The share above which a row is a notice.</param>
    public async Task<IReadOnlyList<ReconciliationRow>> ReadInvoicesAsync(DateOnly from, DateOnly to, decimal threshold, CancellationToken cancellationToken)
    {
        // Most of the time there are none, and then nothing has to be priced.
        await using var any = source.CreateCommand(ReconciliationReportSql.AnyInvoice);
        any.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = from, NpgsqlDbType = NpgsqlDbType.Date });
        any.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = to, NpgsqlDbType = NpgsqlDbType.Date });
        return (bool)(await any.ExecuteScalarAsync(cancellationToken))!
            ? await ReadRowsAsync(ReconciliationReportSql.Invoices, ReconciliationSource.Invoice, from, to, threshold, cancellationToken)
            : [];
    }

    /// <summary>The calls of a day that differ, those that differ most first, as many as were kept.</summary>
    /// <param name="provider">Null for all, empty for what nobody knows; so is the model.</param>
    public async Task<IReadOnlyList<ReconciliationDifference>> ReadDifferencesAsync(
        DateOnly day, string? provider, string? model, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(ReconciliationReportSql.Differences);
        command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = day, NpgsqlDbType = NpgsqlDbType.Date });
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = provider, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = model, NpgsqlDbType = NpgsqlDbType.Text });
        List<ReconciliationDifference> differences = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            differences.Add(new ReconciliationDifference(
                reader.GetString(0), GuidOrNull(reader, 1), reader.GetString(2), LongOrNull(reader, 3), LongOrNull(reader, 4),
                LongOrNull(reader, 5), LongOrNull(reader, 6), await reader.GetFieldValueAsync<DateTimeOffset>(7, cancellationToken),
                TextOrNull(reader, 8), TextOrNull(reader, 9)));
        }

        return differences;
    }

    private async Task<(GatewayState State, decimal Threshold)> ReadStateAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(ReconciliationReportSql.State);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? (new GatewayState(
                    TextOrNull(reader, 0) is null, TextOrNull(reader, 0), await reader.GetFieldValueAsync<DateTimeOffset>(2, cancellationToken),
                    await reader.GetFieldValueAsync<DateTimeOffset>(3, cancellationToken)),
                reader.GetDecimal(1))
            : (new GatewayState(false, GatewayProblem.NotAsked, null, null), UsualThreshold);
    }

    private async Task<List<ReconciliationRow>> ReadRowsAsync(
        string sql, ReconciliationSource from, DateOnly since, DateOnly until, decimal threshold, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = since, NpgsqlDbType = NpgsqlDbType.Date });
        command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = until, NpgsqlDbType = NpgsqlDbType.Date });
        List<ReconciliationRow> rows = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            TokenPair ledger = new(reader.GetInt64(5), reader.GetInt64(6)), other = new(reader.GetInt64(7), reader.GetInt64(8));
            decimal? ledgerCost = PriceSql.DecimalOrNull(reader, 9), otherCost = PriceSql.DecimalOrNull(reader, 10);
            var share = PriceSql.DecimalOrNull(reader, 11)!.Value;
            var dear = from == ReconciliationSource.Invoice && ledgerCost is { } mine && otherCost is { } theirs
                && Math.Abs(mine - theirs) > threshold * Math.Max(mine, theirs);
            rows.Add(new ReconciliationRow(
                await reader.GetFieldValueAsync<DateOnly>(0, cancellationToken), TextOrNull(reader, 1), TextOrNull(reader, 2), from, reader.GetInt64(3),
                LongOrNull(reader, 4), ledger, other, ledger.Total - other.Total, share, ledgerCost, otherCost, ledgerCost - otherCost,
                share > threshold || dear, LongOrNull(reader, 12), LongOrNull(reader, 13), await reader.GetFieldValueAsync<DateTimeOffset>(14, cancellationToken)));
        }

        return rows;
    }

    private static long? LongOrNull(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    private static Guid? GuidOrNull(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

    /// <summary>Empty is unknown, too.</summary>
    private static string? TextOrNull(NpgsqlDataReader reader, int column) =>
        !reader.IsDBNull(column) && reader.GetString(column) is { Length: > 0 } text ? text : null;
}
