using System.Data;
using Npgsql;

namespace LlmAspire.Usage;

internal static class ReportConnection
{
    /// <summary>All that a report reads it reads of one moment. The pin is asked for before.</summary>
    /// <param name="patience">For a statement; null for as long as the connection has.</param>
    public static async Task<NpgsqlTransaction> BeginReportAsync(this NpgsqlConnection connection, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var longer = patience is { } time ? $"; SET LOCAL statement_timeout = {time.TotalMilliseconds:0}" : "";
        await using var prepare = new NpgsqlCommand($"SET TRANSACTION READ ONLY; {ReportSql.Planning}{longer}", connection);
        await prepare.ExecuteNonQueryAsync(cancellationToken);
        return transaction;
    }
}
