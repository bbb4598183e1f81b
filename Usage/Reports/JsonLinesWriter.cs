using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Makes a JSON object of each row, and a line of each object. Not thread-safe.</summary>
internal sealed class JsonLinesWriter(Stream output) : IDisposable
{
    private const int BufferBytes = 1 << 16;

    // It goes into a file, not into a page.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private static readonly (JsonEncodedText Name, ExportKind Kind)[] Columns = [.. ExportColumn.All.Select(column => (JsonEncodedText.Encode(column.Name), column.Kind))];

    private readonly ArrayBufferWriter<byte> _lines = new(2 * BufferBytes);
    private readonly Utf8JsonWriter _writer = new(Stream.Null, Plain);

    /// <summary>What is read of each row: typed values, which cost PostgreSQL less than text.</summary>
    public static string Values { get; } =
        string.Join(", ", ExportColumn.All.Select(column => column.Kind == ExportKind.Money ? $"({column.Value})::text" : column.Value));

    /// <returns>How many lines there were.</returns>
    public async Task<long> WriteAsync(NpgsqlBinaryExporter rows, CancellationToken cancellationToken)
    {
        long count = 0;
        for (; await rows.StartRowAsync(cancellationToken) != -1; count++)
        {
            _writer.Reset(_lines);
            _writer.WriteStartObject();
            foreach (var (name, kind) in Columns)
            {
                Write(rows, name, kind);
            }

            EndLine();
            if (_lines.WrittenCount >= BufferBytes)
            {
                await SendAsync(cancellationToken);
            }
        }

        await SendAsync(cancellationToken);
        return count;
    }

    public void Dispose() => _writer.Dispose();

    private void EndLine()
    {
        _writer.WriteEndObject();
        _writer.Flush();
        _lines.Write("\n"u8);
    }

    private async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        await output.WriteAsync(_lines.WrittenMemory, cancellationToken);
        _lines.ResetWrittenCount();
    }

    /// <summary>The rest of a row has come with its beginning, or is about to: nothing waits here for long, and there are 30 of these a row.</summary>
    private void Write(NpgsqlBinaryExporter rows, JsonEncodedText name, ExportKind kind)
    {
        if (rows.IsNull)
        {
            rows.Skip();
            _writer.WriteNull(name);
            return;
        }

        switch (kind)
        {
            case ExportKind.Id:
                _writer.WriteString(name, rows.Read<Guid>());
                break;
            case ExportKind.Time:
                WriteTime(name, rows.Read<DateTime>());
                break;
            case ExportKind.Word or ExportKind.Text:
                _writer.WriteString(name, rows.Read<string>());
                break;
            case ExportKind.Long:
                _writer.WriteNumber(name, rows.Read<long>());
                break;
            case ExportKind.Int:
                _writer.WriteNumber(name, rows.Read<int>());
                break;
            case ExportKind.Money:
                _writer.WritePropertyName(name);
                _writer.WriteRawValue(rows.Read<string>(), skipInputValidation: true);
                break;
            case ExportKind.Flag:
                _writer.WriteBoolean(name, rows.Read<bool>());
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such kind.");
        }
    }

    private void WriteTime(JsonEncodedText name, DateTime time)
    {
        Span<byte> text = stackalloc byte[32];
        time.TryFormat(text, out var length, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
        _writer.WriteString(name, text[..length]);
    }
}
