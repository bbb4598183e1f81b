using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Forwarding;

/// <summary>Puts the alias that was asked for into a plain answer. All else stays as it came, byte for byte.</summary>
internal static class AnswerRewriter
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <param name="answer">A JSON object.</param>
    public static void Write(JsonElement answer, string alias, IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output, Plain);
        writer.WriteStartObject();
        foreach (var field in answer.EnumerateObject())
        {
            if (field.NameEquals("model"))
            {
                writer.WriteString("model", alias);
            }
            else
            {
                writer.WritePropertyName(field.Name);
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(field.Value), skipInputValidation: true);
            }
        }

        writer.WriteEndObject();
    }
}
