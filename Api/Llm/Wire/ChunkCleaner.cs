using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// Writes a chunk, or the completion of a plain answer, as OpenAI's own clients read it: what is missing is put in, what they would fail at is mended, and all else is kept. Both come out as a
/// chunk, with <c>delta</c>. It remembers halves of characters, and what the chunks before said of themselves. Not thread-safe.
/// </summary>
/// <param name="id">For chunks that have none.</param>
/// <param name="created">For chunks that do not tell: seconds since 1970, UTC.</param>
/// <param name="alias">For chunks that name no model.</param>
internal sealed class ChunkCleaner(string id, long created, string alias)
{
    private readonly SplitCharacters _halves = new();
    private readonly HashSet<int> _callers = [];
    private readonly HashSet<int> _speakers = [];
    private string _id = id;
    private long _created = created;
    private string _model = alias;

    /// <summary>Whether half of a character waits for its other half: then no chunk may pass by.</summary>
    public bool IsWaiting => !_halves.IsEmpty;

    /// <inheritdoc cref="AnswerFacts.IsBody"/>
    public bool IsBody { get; set; }

    /// <summary>Takes over what the chunks said of themselves that passed without being written here.</summary>
    public void Adopt(AnswerPart part) => (_id, _model) = (part.Id ?? _id, part.Model ?? _model);

    /// <summary>Writes what all chunks have in common.</summary>
    /// <param name="model">The model that they are to name; null for that of the chunks.</param>
    public void WriteHead(Utf8JsonWriter writer, string kind, string? model)
    {
        writer.WriteString("id", _id);
        writer.WriteString("object", kind);
        writer.WriteNumber("created", _created);
        writer.WriteString("model", model ?? _model);
    }

    /// <param name="chunk">An object. Its usage is not written: it comes once, at the end.</param>
    /// <param name="model"><inheritdoc cref="WriteHead" path="/param[@name='model']"/></param>
    public void Write(JsonElement chunk, string? model, Utf8JsonWriter writer)
    {
        _id = Text(chunk, "id") ?? _id;
        _model = Text(chunk, "model") ?? _model;
        if (chunk.TryGetProperty("created", out var time) && time.ValueKind == JsonValueKind.Number && time.TryGetInt64(out var seconds))
        {
            _created = seconds;
        }

        writer.WriteStartObject();
        WriteHead(writer, "chat.completion.chunk", model);
        writer.WriteStartArray("choices");
        if (chunk.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array)
        {
            var position = 0;
            var isWhole = IsBody && Text(chunk, "object") == "chat.completion";
            foreach (var choice in choices.EnumerateArray().Where(choice => choice.ValueKind == JsonValueKind.Object))
            {
                WriteChoice(choice, position++, isWhole, writer);
            }
        }

        writer.WriteEndArray();
        foreach (var field in chunk.EnumerateObject().Where(IsKept))
        {
            CopyField(field, writer);
        }

        writer.WriteEndObject();
    }

    private static bool IsKept(JsonProperty field) => Name(field) switch
    {
        "id" or "object" or "created" or "model" or "choices" or "usage" or "x_groq" or "error" => false,
        "service_tier" or "system_fingerprint" => field.Value.ValueKind is JsonValueKind.String or JsonValueKind.Null,
        _ => true,
    };

    private void WriteChoice(JsonElement choice, int position, bool isWhole, Utf8JsonWriter writer)
    {
        var index = choice.TryGetProperty("index", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out var given) && given >= 0 ? given : position;
        var reason = Text(choice, "finish_reason") ?? (isWhole ? "" : null);
        writer.WriteStartObject();
        writer.WriteNumber("index", index);
        writer.WriteStartObject("delta");
        if (Message(choice) is { } message)
        {
            WriteMessage(message, index, reason is not null, writer);
        }

        writer.WriteEndObject();
        writer.WritePropertyName("finish_reason");
        if (reason is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteStringValue(FinishReasons.Normalize(reason, _callers.Contains(index)));
        }

        foreach (var field in choice.EnumerateObject().Where(field => Name(field) is not ("index" or "delta" or "message" or "finish_reason" or "usage" or "error")))
        {
            CopyField(field, writer);
        }

        writer.WriteEndObject();
    }

    private static JsonElement? Message(JsonElement choice) =>
        choice.TryGetProperty("delta", out var delta) && delta.ValueKind == JsonValueKind.Object ? delta
        : choice.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.Object ? message
        : null;

    private void WriteMessage(JsonElement message, int index, bool isLast, Utf8JsonWriter writer)
    {
        string? content = null, thoughts = null;
        foreach (var field in message.EnumerateObject())
        {
            switch (Name(field))
            {
                case "role":
                    // Whoever speaks in an answer is the assistant, whatever a provider calls it.
                    if (_speakers.Add(index))
                    {
                        writer.WriteString("role", "assistant");
                    }

                    break;
                case "content":
                    content = (content ?? "") + ContentParts.Text(field.Value);
                    thoughts = ContentParts.Thoughts(field.Value) is { } thought ? thoughts + thought : thoughts;
                    content = field.Value.ValueKind == JsonValueKind.Null ? null : content;
                    break;
                case "reasoning_content":
                    thoughts = ContentParts.Text(field.Value) is { Length: > 0 } said ? thoughts + said : thoughts;
                    break;
                case "refusal":
                    WriteText("refusal", ContentParts.Text(field.Value), index, writer);
                    break;
                case "tool_calls":
                    WriteToolCalls(field.Value, index, writer);
                    break;
                case "function_call" when field.Value.ValueKind == JsonValueKind.Object:
                    _callers.Add(index);
                    writer.WritePropertyName("function_call");
                    WriteFunction(field.Value, index, "function_call", writer);
                    break;
                case "function_call":
                    break;
                default:
                    CopyField(field, writer);
                    break;
            }
        }

        WriteText("reasoning_content", thoughts, index, writer);
        if (content is not null || isLast)
        {
            var text = _halves.Join(index, "content", content ?? "") + (isLast ? _halves.End(index, "content") : "");
            if (text.Length > 0 || content is not null)
            {
                writer.WriteString("content", text);
            }
        }
    }

    private void WriteText(string name, string? text, int index, Utf8JsonWriter writer)
    {
        if (text is { Length: > 0 })
        {
            writer.WriteString(name, _halves.Join(index, name, text));
        }
    }

    private void WriteToolCalls(JsonElement calls, int choice, Utf8JsonWriter writer)
    {
        if (calls.ValueKind != JsonValueKind.Array || calls.GetArrayLength() == 0)
        {
            return;
        }

        _callers.Add(choice);
        writer.WriteStartArray("tool_calls");
        var position = 0;
        foreach (var call in calls.EnumerateArray().Where(call => call.ValueKind == JsonValueKind.Object))
        {
            var index = call.TryGetProperty("index", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out var given) && given >= 0 ? given : position;
            position++;
            writer.WriteStartObject();
            writer.WriteNumber("index", index);
            if (Text(call, "id") is { } callId)
            {
                writer.WriteString("id", callId);
            }

            writer.WriteString("type", Text(call, "type") is "custom" ? "custom" : "function");
            if (call.TryGetProperty("function", out var function) && function.ValueKind == JsonValueKind.Object)
            {
                writer.WritePropertyName("function");
                WriteFunction(function, choice, $"call {index}", writer);
            }

            foreach (var field in call.EnumerateObject().Where(field => Name(field) is not ("index" or "id" or "type" or "function")))
            {
                CopyField(field, writer);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>The name and the arguments, which are text: some gateways send them as the object that the text should hold.</summary>
    private void WriteFunction(JsonElement function, int choice, string place, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        if (Text(function, "name") is { } name)
        {
            writer.WriteString("name", name);
        }

        if (function.TryGetProperty("arguments", out var arguments))
        {
            writer.WriteString("arguments", arguments.ValueKind switch
            {
                JsonValueKind.String => _halves.Join(choice, place, JsonText.Decode(arguments)),
                JsonValueKind.Object or JsonValueKind.Array => JsonText.WithoutHalves(arguments.GetRawText()),
                _ => "",
            });
        }

        writer.WriteEndObject();
    }

    private static void CopyField(JsonProperty field, Utf8JsonWriter writer)
    {
        writer.WritePropertyName(Name(field));
        JsonText.Copy(field.Value, writer);
    }

    private static string Name(JsonProperty field) => JsonText.WithoutHalves(JsonText.Decode(JsonMarshal.GetRawUtf8PropertyName(field)));

    /// <summary>Null when it is none, or empty.</summary>
    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && JsonText.WithoutHalves(JsonText.Decode(value)) is { Length: > 0 } text ? text : null;
}
