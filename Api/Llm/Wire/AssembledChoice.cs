using System.Text;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>One choice of a plain completion, put together from the deltas of cleaned chunks.</summary>
internal sealed class AssembledChoice
{
    private readonly SortedDictionary<int, (string? Id, string? Type, StringBuilder Name, StringBuilder Arguments)> _calls = [];
    private readonly Dictionary<string, StringBuilder> _texts = [];
    private readonly Dictionary<string, JsonElement> _others = [];
    private readonly Dictionary<string, JsonElement> _ofMessage = [];
    private string? _finishReason;

    public void Add(JsonElement choice)
    {
        foreach (var field in choice.EnumerateObject())
        {
            switch (field.Name)
            {
                case "index":
                    break;
                case "delta":
                    AddDelta(field.Value);
                    break;
                case "finish_reason":
                    _finishReason = field.Value.GetString() ?? _finishReason;
                    break;
                default:
                    _others[field.Name] = field.Value.Clone();
                    break;
            }
        }
    }

    public void Write(int index, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("index", index);
        writer.WriteStartObject("message");
        writer.WriteString("role", "assistant");
        writer.WriteString("content", _texts.Remove("content", out var content) ? content.ToString() : null);
        foreach (var (name, text) in _texts)
        {
            writer.WriteString(name, text.ToString());
        }

        WriteCalls(writer);
        foreach (var (name, value) in _ofMessage)
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }

        writer.WriteEndObject();
        writer.WriteString("finish_reason", _finishReason);
        foreach (var (name, value) in _others)
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }

        writer.WriteEndObject();
    }

    private void AddDelta(JsonElement delta)
    {
        foreach (var field in delta.EnumerateObject())
        {
            switch (field.Name)
            {
                case "role":
                    break;
                case "content" or "reasoning_content" or "refusal" or "reasoning" when field.Value.ValueKind == JsonValueKind.String:
                    if (!_texts.TryGetValue(field.Name, out var text))
                    {
                        _texts[field.Name] = text = new StringBuilder();
                    }

                    text.Append(field.Value.GetString());
                    break;
                case "tool_calls":
                    AddCalls(field.Value);
                    break;
                default:
                    _ofMessage[field.Name] = field.Value.Clone();
                    break;
            }
        }
    }

    private void AddCalls(JsonElement calls)
    {
        foreach (var call in calls.EnumerateArray())
        {
            var index = call.GetProperty("index").GetInt32();
            var known = _calls.GetValueOrDefault(index, (null, null, new StringBuilder(), new StringBuilder()));
            _calls[index] = (
                call.TryGetProperty("id", out var id) ? id.GetString() : known.Item1,
                call.TryGetProperty("type", out var type) ? type.GetString() : known.Item2,
                known.Item3,
                known.Item4);
            if (call.TryGetProperty("function", out var function))
            {
                // A name comes once; some gateways repeat it with every piece.
                if (known.Item3.Length == 0 && function.TryGetProperty("name", out var name))
                {
                    known.Item3.Append(name.GetString());
                }

                known.Item4.Append(function.TryGetProperty("arguments", out var arguments) ? arguments.GetString() : null);
            }
        }
    }

    private void WriteCalls(Utf8JsonWriter writer)
    {
        if (_calls.Count == 0)
        {
            return;
        }

        writer.WriteStartArray("tool_calls");
        foreach (var (index, (id, type, name, arguments)) in _calls)
        {
            writer.WriteStartObject();
            writer.WriteString("id", id ?? $"call_{index}");
            writer.WriteString("type", type ?? "function");
            writer.WriteStartObject("function");
            writer.WriteString("name", name.ToString());
            writer.WriteString("arguments", arguments.ToString());
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
