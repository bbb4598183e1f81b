using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>Compares the ledger with the gateway's spend logs and keeps what was found. One process at a time does it; see docs/reconciliation.md.</summary>
public sealed class Reconciler([FromKeyedServices(ConnectionPool.Sessions)] NpgsqlDataSource source)
{
    /// <returns>What the work is done with, by whoever holds it alone; null while another process does it.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away; so for all of these.</exception>
    public async Task<ReconciliationSession?> TryBeginAsync(CancellationToken cancellationToken)
    {
        var connection = await source.OpenConnectionAsync(cancellationToken);
        try
        {
            // Of the session, not of a transaction: reading the logs takes minutes, and no report can be pinned to a time after an open transaction.
            await using var command = new NpgsqlCommand(ReconciliationSql.TryLock, connection);
            if ((bool)(await command.ExecuteScalarAsync(cancellationToken))!)
            {
                return new ReconciliationSession(connection);
            }
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return null;
    }

    /// <summary>What differs by provider and model, over all days since one.</summary>
    public async Task<ReconciliationTotals> ReadTotalsAsync(DateOnly since, decimal threshold, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(ReconciliationSql.Totals);
        command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = since, NpgsqlDbType = NpgsqlDbType.Date });
        List<ModelDrift> drifts = [];
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                drifts.Add(new ModelDrift(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetDouble(3)));
            }
        }

        await using var days = source.CreateCommand(ReconciliationSql.DaysAbove);
        days.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = since, NpgsqlDbType = NpgsqlDbType.Date });
        days.Parameters.Add(new NpgsqlParameter<decimal> { TypedValue = threshold });
        return new ReconciliationTotals(drifts, (long)(await days.ExecuteScalarAsync(cancellationToken))!);
    }
}

/// <param name="DaysAboveThreshold">With at least one model that is.</param>
public sealed record ReconciliationTotals(IReadOnlyList<ModelDrift> Models, long DaysAboveThreshold)
{
    /// <summary>Of invoices, line by line.</summary>
    public static ReconciliationTotals Of(IReadOnlyList<ReconciliationRow> invoices) => new(
        [.. invoices.GroupBy(row => (row.Provider, row.Model)).Select(model => new ModelDrift(
            model.Key.Provider ?? "",
            model.Key.Model ?? "",
            model.Sum(Differing),
            model.Sum(Compared) is > 0 and var compared ? (double)model.Sum(Differing) / compared : 0))],
        invoices.Where(row => row.AboveThreshold).Select(row => row.Day).Distinct().Count());

    private static long Differing(ReconciliationRow row) =>
        Math.Abs(row.LedgerTokens.Prompt - row.OtherTokens.Prompt) + Math.Abs(row.LedgerTokens.Completion - row.OtherTokens.Completion);

    private static long Compared(ReconciliationRow row) =>
        Math.Max(row.LedgerTokens.Prompt, row.OtherTokens.Prompt) + Math.Max(row.LedgerTokens.Completion, row.OtherTokens.Completion);
}

/// <param name="Tokens">That differ, call by call, or line by line of invoices.</param>
/// <param name="Share">Of the tokens that either side knows, 0 to 1.</param>
public sealed record ModelDrift(string Provider, string Model, long Tokens, double Share);
