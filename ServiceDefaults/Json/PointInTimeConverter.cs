using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmAspire.ServiceDefaults.Json;

/// <summary>Reads times as <see cref="PointInTime"/> has them. The framework's own converter takes those without an offset for local ones.</summary>
public sealed class PointInTimeConverter : JsonConverter<DateTimeOffset>
{
    /// <exception cref="JsonValueException">Says what to send.</exception>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && PointInTime.TryParse(reader.GetString(), out var moment)
            ? moment
            : throw new JsonValueException(PointInTime.WhatIsExpected);

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
