using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Forwarding;

/// <summary>Puts the alias that was asked for into an answer, and takes out usage that nobody asked for. All else stays as it came, byte for byte.</summary>
internal static class AnswerRewriter
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <param name="answer">A chunk of a stream, or a whole plain answer: a JSON object.</param>
    public static void Write(JsonElement answer, string alias, bool tellUsage, IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, Plain);
        writer.WriteStartObject();
        foreach (var field in answer.EnumerateObject())
        {
            if (field.NameEquals("model"))
            {
                writer.WriteString("model", alias);
            }
            else if (tellUsage || !field.NameEquals("usage"))
            {
                writer.WritePropertyName(field.Name);
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(field.Value), skipInputValidation: true);
            }
        }

        writer.WriteEndObject();
    }

    /// <summary>
    /// Whether a chunk has usage and says nothing else. OpenAI's has no choices, LiteLLM's has one (BerriAI/litellm#28735):
    /// <code>
    /// {"id":"chatcmpl-1",…,"choices":[],"usage":{…}}
    /// {"id":"chatcmpl-1",…,"choices":[{"index":0,"delta":{}}],"usage":{…}}
    /// </code>
    /// </summary>
    public static bool IsUsageAlone(JsonElement chunk) =>
        chunk.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object
        && (!chunk.TryGetProperty("choices", out var choices) || choices.ValueKind != JsonValueKind.Array || choices.EnumerateArray().All(SaysNothing));

    private static bool SaysNothing(JsonElement choice) =>
        choice.ValueKind == JsonValueKind.Object
        && (!choice.TryGetProperty("finish_reason", out var reason) || reason.ValueKind == JsonValueKind.Null)
        && (!choice.TryGetProperty("delta", out var delta) || delta.ValueKind == JsonValueKind.Null
            || delta.ValueKind == JsonValueKind.Object && !delta.EnumerateObject().Any());
}
