using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>Writes JSON as it came, byte for byte: reading its strings would fail at half a character.</summary>
internal sealed class RawJsonConverter : JsonConverter<JsonElement?>
{
    public override JsonElement? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonElement.ParseValue(ref reader);

    public override void Write(Utf8JsonWriter writer, JsonElement? value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value?.GetRawText() ?? "null", skipInputValidation: true);
}
