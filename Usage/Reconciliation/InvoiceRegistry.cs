using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>The invoices of providers. Nothing that was imported is changed: a later line for a day, provider and model goes before it. Safe to call concurrently.</summary>
public sealed class InvoiceRegistry(NpgsqlDataSource source, TimeProvider time)
{
    public const int MostNameLength = 200;

    private const string Lock = "SELECT pg_advisory_xact_lock(hashtextextended('ledger.invoice_import', 0))";

    private const string InsertImport = "INSERT INTO ledger.invoice_import (author, name) VALUES ($1, $2) RETURNING id";

    private const string CopyLines =
        "COPY ledger.invoice_line (import_id, line, day, provider, model, calls, prompt_tokens, completion_tokens, cost_usd) FROM STDIN (FORMAT binary)";

    private const string List = """
        SELECT
            import.id, import.name, import.author, import.imported_at, count(*)::integer,
            count(*) FILTER (WHERE EXISTS (
                SELECT FROM ledger.invoice_line AS later
                WHERE (later.day, later.provider, later.model) = (line.day, line.provider, line.model) AND later.import_id > line.import_id))::integer,
            min(line.day), max(line.day), sum(line.cost_usd)
        FROM ledger.invoice_import AS import JOIN ledger.invoice_line AS line ON line.import_id = import.id
        WHERE $1::bigint IS NULL OR import.id = $1
        GROUP BY import.id ORDER BY import.id DESC LIMIT 1000
        """;

    /// <summary>Imports a file as a whole, or not at all.</summary>
    /// <exception cref="InvoiceRefusedException">The file is not valid.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away; so for all of these.</exception>
    public async Task<InvoiceImport> ImportAsync(TextReader file, string name, string author, CancellationToken cancellationToken)
    {
        var lines = await InvoiceFile.ReadAsync(file, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime), cancellationToken);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // One after the other: the number says which is later.
        await using (var wait = new NpgsqlCommand(Lock, connection))
        {
            await wait.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var insert = new NpgsqlCommand(InsertImport, connection);
        insert.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = SqlText.Storable(author) });
        insert.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = SqlText.Storable(name) });
        var id = (long)(await insert.ExecuteScalarAsync(cancellationToken))!;
        await CopyAsync(connection, id, lines, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (await ReadAsync(id, cancellationToken)).Single();
    }

    /// <returns>The imports, the newest first, a thousand at most.</returns>
    public Task<IReadOnlyList<InvoiceImport>> ReadAsync(CancellationToken cancellationToken) => ReadAsync(null, cancellationToken);

    private static async Task CopyAsync(NpgsqlConnection connection, long import, IReadOnlyList<InvoiceLine> lines, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginBinaryImportAsync(CopyLines, cancellationToken);
        foreach (var line in lines)
        {
            await copy.StartRowAsync(cancellationToken);
            await copy.WriteAsync(import, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(line.Line, NpgsqlDbType.Integer, cancellationToken);
            await copy.WriteAsync(line.Day, NpgsqlDbType.Date, cancellationToken);
            await copy.WriteAsync(SqlText.Storable(line.Provider), NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(SqlText.Storable(line.Model), NpgsqlDbType.Text, cancellationToken);
            await copy.WriteAsync(line.Calls, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(line.PromptTokens, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(line.CompletionTokens, NpgsqlDbType.Bigint, cancellationToken);
            await copy.WriteAsync(line.CostUsd, NpgsqlDbType.Numeric, cancellationToken);
        }

        await copy.CompleteAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<InvoiceImport>> ReadAsync(long? id, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(List);
        command.Parameters.Add(new NpgsqlParameter<long?> { TypedValue = id, NpgsqlDbType = NpgsqlDbType.Bigint });
        List<InvoiceImport> imports = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            imports.Add(new InvoiceImport(
                reader.GetInt64(0), reader.GetString(1), reader.GetString(2), await reader.GetFieldValueAsync<DateTimeOffset>(3, cancellationToken),
                reader.GetInt32(4), reader.GetInt32(5), await reader.GetFieldValueAsync<DateOnly>(6, cancellationToken),
                await reader.GetFieldValueAsync<DateOnly>(7, cancellationToken), reader.GetDecimal(8)));
        }

        return imports;
    }
}
