using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// The answer as a stream of events, each with one chunk that OpenAI's own clients read. A usual chunk stays as it came, byte for byte. Usage comes once, at the end, whatever number of
/// reports there were. Errors and noise are left out. Not thread-safe.
/// </summary>
internal sealed class EventOutput(ChunkCleaner cleaner) : IAnswerOutput
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly ArrayBufferWriter<byte> _events = new();
    private readonly ArrayBufferWriter<byte> _json = new();
    private string? _alias;
    private bool _tellsUsage = true;
    private byte[]? _named;
    private byte[]? _usageChunk;

    public ReadOnlyMemory<byte> Written => _events.WrittenMemory;

    public void Reset() => _events.ResetWrittenCount();

    /// <summary>Says how the events are to be, before the first.</summary>
    /// <param name="alias">The model that the answer says it is of.</param>
    /// <param name="tellsUsage">Whether the reader wants the usage.</param>
    public void Shape(string alias, bool tellsUsage)
    {
        if (_alias is null)
        {
            (_alias, _tellsUsage) = (alias, tellsUsage);
            // "model":"chat-default", as LiteLLM writes it. Within a text of the answer the quotation marks would be escaped.
            _named = [.. "\"model\":\""u8, .. JsonEncodedText.Encode(alias, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];
        }
    }

    public bool Write(ReadOnlySpan<byte> json, in ChunkVerdict verdict)
    {
        if (!verdict.IsAnswer)
        {
            return false;
        }

        var isAsWanted = verdict is { IsChunk: true, IsClean: true } && !cleaner.IsWaiting && (_named is null || json.IndexOf(_named) >= 0);
        if (verdict is { HasUsage: true, SaysMore: false })
        {
            _usageChunk = isAsWanted ? json.ToArray() : null;
            return false;
        }

        if (isAsWanted && !verdict.HasUsage && (_tellsUsage || json.IndexOf("\"usage\""u8) < 0))
        {
            WriteEvent(json);
            return true;
        }

        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        using (var writer = NewWriter())
        {
            cleaner.Write(document.RootElement, _alias, writer);
        }

        WriteEvent(_json.WrittenSpan);
        return false;
    }

    public void WriteLike(ReadOnlySpan<byte> json) => WriteEvent(json);

    public void End(AnswerPart part)
    {
        if (!_tellsUsage || part.Reports.Count == 0)
        {
            return;
        }

        if (part.Reports.Count == 1 && _usageChunk is not null)
        {
            WriteEvent(_usageChunk);
            return;
        }

        cleaner.Adopt(part);
        using (var writer = NewWriter())
        {
            writer.WriteStartObject();
            cleaner.WriteHead(writer, "chat.completion.chunk", _alias);
            writer.WriteStartArray("choices");
            writer.WriteEndArray();
            writer.WritePropertyName("usage");
            UsageForm.Write(part.Reports, writer);
            writer.WriteEndObject();
        }

        WriteEvent(_json.WrittenSpan);
    }

    private Utf8JsonWriter NewWriter()
    {
        _json.ResetWrittenCount();
        return new Utf8JsonWriter(_json, Plain);
    }

    private void WriteEvent(ReadOnlySpan<byte> data)
    {
        var room = _events.GetSpan(data.Length + 8);
        "data: "u8.CopyTo(room);
        data.CopyTo(room[6..]);
        "\n\n"u8.CopyTo(room[(6 + data.Length)..]);
        _events.Advance(data.Length + 8);
    }
}
