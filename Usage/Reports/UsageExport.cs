using System.Globalization;
using System.Text;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Writes the calls of a report with their cost, the oldest first, however many, in constant memory: PostgreSQL makes the text, and what it sends is passed on. Safe
/// to call concurrently.
/// </summary>
public sealed class UsageExport(NpgsqlDataSource source, Pins pins)
{
    /// <summary>PostgreSQL sorts the rows of one step; a step is as long as it takes for about as many.</summary>
    private const long RowsOfStep = 50_000;

    private const int BufferBytes = 1 << 16;

    private static readonly TimeSpan FirstStep = TimeSpan.FromHours(1);

    private static readonly TimeSpan LongestStep = TimeSpan.FromDays(31);

    private static readonly Column[] Columns =
    [
        new("id", "usage.id", ColumnKind.Word),
        new("createdAt", Time("usage.created_at"), ColumnKind.Word),
        new("recordedAt", Time("usage.recorded_at"), ColumnKind.Word),
        new("requestId", "usage.request_id", ColumnKind.Word),
        new("orgId", "usage.org_id", ColumnKind.Word),
        new("userId", "usage.user_id", ColumnKind.Word),
        new("apiKeyId", "usage.api_key_id", ColumnKind.Word),
        new("conversationId", "usage.conversation_id", ColumnKind.Word),
        new("traceId", "usage.trace_id", ColumnKind.Text),
        new("operation", "usage.operation", ColumnKind.Word),
        new("model", "usage.model_alias", ColumnKind.Text),
        new("provider", "usage.provider", ColumnKind.Text),
        new("servedModel", "usage.served_model", ColumnKind.Text),
        new("promptTokens", "usage.prompt_tokens", ColumnKind.Number),
        new("completionTokens", "usage.completion_tokens", ColumnKind.Number),
        new("cachedPromptTokens", "usage.cached_prompt_tokens", ColumnKind.Number),
        new("cacheWriteTokens", "usage.cache_write_tokens", ColumnKind.Number),
        new("reasoningTokens", "usage.reasoning_tokens", ColumnKind.Number),
        new("audioPromptTokens", "usage.audio_prompt_tokens", ColumnKind.Number),
        new("audioCompletionTokens", "usage.audio_completion_tokens", ColumnKind.Number),
        new("source", "usage.source", ColumnKind.Word),
        new("outcome", "usage.outcome", ColumnKind.Word),
        new("attempts", "usage.attempts", ColumnKind.Number),
        new("fallbacks", "usage.fallbacks", ColumnKind.Number),
        new("ttftMs", "usage.ttft_ms", ColumnKind.Number),
        new("durationMs", "usage.duration_ms", ColumnKind.Number),
        new("gatewayCallId", "usage.gateway_call_id", ColumnKind.Text),
        new("costUsd", $"trim_scale({ReportSql.Cost})", ColumnKind.Number),
        new("unpriced", ReportSql.Unpriced, ColumnKind.Flag),
    ];

    /// <summary>The first line of a CSV file.</summary>
    private static readonly byte[] Header = Encoding.UTF8.GetBytes(string.Join(',', Columns.Select(column => SnakeCase(column.Name))) + "\n");

    private static readonly string CsvColumns = string.Join(", ", Columns.Select(column => column.Kind == ColumnKind.Text ? Harmless(column.Value) : column.Value));

    // Put together piece by piece: row_to_json looks each column's type up in each row, and takes half as long again.
    private static readonly string JsonLine = $"concat('{{', {string.Join(", ',', ", Columns.Select(column => $"'\"{column.Name}\":', {Json(column)}"))}, '}}')";

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
        var buffer = new byte[BufferBytes];
        var step = FirstStep;
        for (var from = query.From; from < query.To;)
        {
            var to = query.To - from < step ? query.To : from + step;
            var rows = await WriteStepAsync(connection, query with { From = from, To = to }, format, output, buffer, cancellationToken);
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
        NpgsqlConnection connection, ReportQuery query, ExportFormat format, Stream output, byte[] buffer, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginReportAsync(cancellationToken);
        var parameters = new ReportParameters(asSettings: true);
        var copy = Copy(query, query.AsOf!, format, parameters);
        if (parameters.Settings is { } settings)
        {
            await using var set = new NpgsqlCommand(settings, connection);
            set.Parameters.AddRange(parameters.All.ToArray());
            await set.ExecuteNonQueryAsync(cancellationToken);
        }

        using var lines = await connection.BeginTextExportAsync(copy, cancellationToken);
        // Its bytes are UTF-8 already.
        var bytes = ((StreamReader)lines).BaseStream;
        long count = 0;
        while (await bytes.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            count += buffer.AsSpan(0, read).Count((byte)'\n');
            await output.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        return count;
    }

    private static string Copy(ReportQuery query, AsOf asOf, ExportFormat format, ReportParameters parameters)
    {
        var rows = $"""
            ledger.usage_as_of({parameters.Add(asOf.RecordedAt)}) AS usage
                {ReportSql.JoinPrice(asOf.PriceRevision.ToString(CultureInfo.InvariantCulture), "usage.created_at")}
            WHERE {ReportSql.Where(query, parameters, "usage.created_at")}
            ORDER BY usage.created_at, usage.id
            """;
        return format switch
        {
            ExportFormat.Csv => $"COPY (SELECT {CsvColumns} FROM {rows}) TO STDOUT (FORMAT csv)",
            // Delimiter and quote are characters that JSON escapes: the line is written as it is.
            ExportFormat.JsonLines => $"COPY (SELECT {JsonLine} FROM {rows}) TO STDOUT (FORMAT csv, DELIMITER E'\\x01', QUOTE E'\\x02')",
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "There is no such format."),
        };
    }

    private static string Time(string column) => $"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";

    private static string Json(Column column) => column.Kind switch
    {
        ColumnKind.Word => $"coalesce('\"' || {column.Value} || '\"', 'null')",
        ColumnKind.Text => $"coalesce(to_json({column.Value})::text, 'null')",
        ColumnKind.Number => $"coalesce(({column.Value})::text, 'null')",
        ColumnKind.Flag => $"CASE WHEN {column.Value} THEN 'true' ELSE 'false' END",
        _ => throw new ArgumentOutOfRangeException(nameof(column), column.Kind, "There is no such kind."),
    };

    /// <summary>A spreadsheet would take it for a formula: an apostrophe makes it text.</summary>
    private static string Harmless(string text) => $"CASE WHEN {text} ~ '^[=+@\\t\\r-]' THEN '''' || {text} ELSE {text} END";

    private static string SnakeCase(string name) => string.Concat(name.Select(letter => char.IsUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{letter}"));

    /// <param name="Name">In JSON.</param>
    /// <param name="Value">The expression.</param>
    private sealed record Column(string Name, string Value, ColumnKind Kind);

    private enum ColumnKind
    {
        /// <summary>In quotation marks; nothing in it needs to be escaped.</summary>
        Word,

        /// <summary>Whatever somebody else wrote.</summary>
        Text,

        Number,

        Flag,
    }
}

/// <summary>How an export is written.</summary>
public enum ExportFormat
{
    /// <summary>Commas, quotes where needed, names in the first line.</summary>
    Csv,

    /// <summary>A JSON object in each line.</summary>
    JsonLines,
}
