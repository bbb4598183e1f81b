using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Writes the calls of a report with their cost, the oldest first, however many, in constant memory: CSV as PostgreSQL makes it,
/// JSON of its binary rows. Safe to call concurrently.
/// </summary>
public sealed class UsageExport([FromKeyedServices(ConnectionPool.Reading)] NpgsqlDataSource source, Pins pins)
{
    /// <summary>PostgreSQL sorts the rows of one step; a step is as long as it takes for about as many.</summary>
    private const long RowsOfStep = 50_000;

    private const int BufferBytes = 1 << 16;

    private static readonly TimeSpan FirstStep = TimeSpan.FromHours(1);

    private static readonly TimeSpan LongestStep = TimeSpan.FromDays(31);

    /// <summary>The first line of a CSV file.</summary>
    private static readonly byte[] Header = Encoding.UTF8.GetBytes(string.Join(',', ExportColumn.All.Select(column => SnakeCase(column.Name))) + "\n");

    private static readonly string CsvValues = string.Join(", ", ExportColumn.All.Select(column => column.Kind switch
    {
        ExportKind.Time => $"to_char({column.Value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        ExportKind.Text => Harmless(column.Value),
        _ => column.Value,
    }));

    /// <returns>The pin of what <see cref="WriteAsync"/> will write.</returns>
    /// <exception cref="PinUnknownException">The query's pin is not one of the past.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public Task<AsOf> PinAsync(ReportQuery query, CancellationToken cancellationToken) => pins.CheckAsync(query.AsOf, cancellationToken);

    /// <param name="query">With the pin of <see cref="PinAsync"/>.</param>
    /// <exception cref="NpgsqlException">When PostgreSQL goes away: what was written is not all.</exception>
    public async Task WriteAsync(ReportQuery query, ExportFormat format, Stream output, CancellationToken cancellationToken)
    {
        if (format == ExportFormat.Csv)
        {
            await output.WriteAsync(Header, cancellationToken);
        }

        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        using var lines = new JsonLinesWriter(output);
        var step = FirstStep;
        for (var from = query.From; from < query.To;)
        {
            var to = query.To - from < step ? query.To : from + step;
            var rows = await WriteStepAsync(connection, query with { From = from, To = to }, format, lines, output, cancellationToken);
            from = to;
            step = rows switch
            {
                > RowsOfStep => step / 2,
                < RowsOfStep / 4 when step < LongestStep => step * 2,
                _ => step,
            };
        }
    }

    /// <returns>How many lines there were.</returns>
    private static async Task<long> WriteStepAsync(
        NpgsqlConnection connection, ReportQuery query, ExportFormat format, JsonLinesWriter lines, Stream output, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginReportAsync(cancellationToken, ConnectionPool.ExportTimeout);
        var parameters = new ReportParameters(asSettings: true);
        var copy = Copy(query, query.AsOf!, format, parameters);
        if (parameters.Settings is { } settings)
        {
            await using var set = new NpgsqlCommand(settings, connection);
            set.Parameters.AddRange(parameters.All.ToArray());
            await set.ExecuteNonQueryAsync(cancellationToken);
        }

        if (format == ExportFormat.Csv)
        {
            return await CopyTextAsync(connection, copy, output, cancellationToken);
        }

        await using var rows = await connection.BeginBinaryExportAsync(copy, cancellationToken);
        return await lines.WriteAsync(rows, cancellationToken);
    }

    private static async Task<long> CopyTextAsync(NpgsqlConnection connection, string copy, Stream output, CancellationToken cancellationToken)
    {
        using var lines = await connection.BeginTextExportAsync(copy, cancellationToken);
        // Its bytes are UTF-8 already.
        var bytes = ((StreamReader)lines).BaseStream;
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            long count = 0;
            // Many lines at once: PostgreSQL sends each for itself.
            while (await bytes.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken) is > 0 and var read)
            {
                count += buffer.AsSpan(0, read).Count((byte)'\n');
                await output.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }

            return count;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string Copy(ReportQuery query, AsOf asOf, ExportFormat format, ReportParameters parameters)
    {
        // Sorted before lines are made of them: those are longer.
        var rows = $"""
            (
                SELECT usage.*, {ReportSql.Cost} AS cost_usd, {ReportSql.Unpriced} AS is_unpriced
                FROM ledger.usage_as_of({parameters.Add(asOf.RecordedAt)}) AS usage
                    {ReportSql.JoinPrice(asOf.PriceRevision.ToString(CultureInfo.InvariantCulture), "usage.created_at")}
                WHERE {ReportSql.Where(query, parameters, "usage.created_at")}
                ORDER BY usage.created_at, usage.id
            ) AS usage
            """;
        return format == ExportFormat.Csv
            ? $"COPY (SELECT {CsvValues} FROM {rows}) TO STDOUT (FORMAT csv)"
            : $"COPY (SELECT {JsonLinesWriter.Values} FROM {rows}) TO STDOUT (FORMAT binary)";
    }

    /// <summary>A spreadsheet would take it for a formula: an apostrophe makes it text.</summary>
    private static string Harmless(string text) => $"CASE WHEN {text} ~ '^[=+@\\t\\r-]' THEN '''' || {text} ELSE {text} END";

    private static string SnakeCase(string name) =>
        string.Concat(name.Select(letter => char.IsUpper(letter) || char.IsAsciiDigit(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{letter}"));
}

/// <summary>How an export is written.</summary>
public enum ExportFormat
{
    /// <summary>Commas, quotes where needed, names in the first line.</summary>
    Csv,

    /// <summary>A JSON object in each line.</summary>
    JsonLines,
}
