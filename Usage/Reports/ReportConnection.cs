using System.Data;
using Npgsql;

namespace LlmAspire.Usage;

internal static class ReportConnection
{
    /// <summary>All that a report reads it reads of one moment. The pin is asked for before.</summary>
    public static async Task<NpgsqlTransaction> BeginReportAsync(this NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await using var prepare = new NpgsqlCommand($"SET TRANSACTION READ ONLY; {ReportSql.Planning}", connection);
        await prepare.ExecuteNonQueryAsync(cancellationToken);
        return transaction;
    }
}
