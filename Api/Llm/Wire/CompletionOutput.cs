using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// The answer as one plain completion, at its end. One that came as such, and is in order, stays as it came, byte for byte; else it is put together from its chunks. Not thread-safe.
/// </summary>
internal sealed class CompletionOutput(ChunkCleaner cleaner) : IAnswerOutput
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly SortedDictionary<int, AssembledChoice> _choices = [];
    private readonly Dictionary<string, JsonElement> _others = [];
    private readonly ArrayBufferWriter<byte> _chunk = new();
    private readonly ArrayBufferWriter<byte> _body = new();
    private byte[]? _asItCame;
    private int _taken;

    public ReadOnlyMemory<byte> Written => _body.WrittenMemory;

    public void Reset() => _body.ResetWrittenCount();

    public bool Write(ReadOnlySpan<byte> json, in ChunkVerdict verdict)
    {
        if (!verdict.IsAnswer)
        {
            return false;
        }

        // Only one that has messages, and not deltas, is a completion.
        _asItCame = _taken++ == 0 && verdict is { IsChunk: false, IsClean: true } && json.IndexOf("\"message\""u8) >= 0 ? json.ToArray() : null;
        _chunk.ResetWrittenCount();
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        using (var writer = new Utf8JsonWriter(_chunk, Plain))
        {
            cleaner.Write(document.RootElement, null, writer);
        }

        Add(_chunk.WrittenMemory);
        return false;
    }

    public void WriteLike(ReadOnlySpan<byte> json) => throw new NotSupportedException("Every chunk is put into the whole.");

    public void End(AnswerPart part)
    {
        if (_asItCame is not null)
        {
            _body.Write(_asItCame);
            return;
        }

        cleaner.Adopt(part);
        using var writer = new Utf8JsonWriter(_body, Plain);
        writer.WriteStartObject();
        cleaner.WriteHead(writer, "chat.completion", null);
        writer.WriteStartArray("choices");
        foreach (var (index, choice) in _choices)
        {
            choice.Write(index, writer);
        }

        writer.WriteEndArray();
        if (part.Reports.Count > 0)
        {
            writer.WritePropertyName("usage");
            UsageForm.Write(part.Reports, writer);
        }

        foreach (var (name, value) in _others)
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    private void Add(ReadOnlyMemory<byte> cleaned)
    {
        using var document = JsonDocument.Parse(cleaned);
        foreach (var field in document.RootElement.EnumerateObject())
        {
            if (field.NameEquals("choices"))
            {
                foreach (var choice in field.Value.EnumerateArray())
                {
                    var index = choice.GetProperty("index").GetInt32();
                    if (!_choices.TryGetValue(index, out var assembled))
                    {
                        _choices[index] = assembled = new AssembledChoice();
                    }

                    assembled.Add(choice);
                }
            }
            else if (field.Name is not ("id" or "object" or "created" or "model") && field.Value.ValueKind != JsonValueKind.Null)
            {
                _others[field.Name] = field.Value.Clone();
            }
        }
    }
}
