using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// Strings of other people's JSON, read whatever they hold. The readers of the base library refuse half of a surrogate pair (<c>"\ud83d"</c>) and bytes that are no
/// UTF-8; here the half is kept for its other half, and the bytes become U+FFFD.
/// </summary>
internal static class JsonText
{
    public const char Replacement = '\uFFFD';

    /// <param name="raw">What stands between the quotation marks, of JSON that was found valid.</param>
    public static string Decode(ReadOnlySpan<byte> raw)
    {
        var escape = raw.IndexOf((byte)'\\');
        if (escape < 0)
        {
            return Encoding.UTF8.GetString(raw);
        }

        var text = new StringBuilder(raw.Length);
        while (escape >= 0)
        {
            text.Append(Encoding.UTF8.GetString(raw[..escape]));
            var isUnicode = raw[escape + 1] == (byte)'u';
            text.Append(isUnicode ? (char)ushort.Parse(raw.Slice(escape + 2, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture) : Escaped(raw[escape + 1]));
            raw = raw[(escape + (isUnicode ? 6 : 2))..];
            escape = raw.IndexOf((byte)'\\');
        }

        return text.Append(Encoding.UTF8.GetString(raw)).ToString();
    }

    /// <param name="value">A string.</param>
    public static string Decode(JsonElement value) => Decode(JsonMarshal.GetRawUtf8Value(value)[1..^1]);

    /// <summary>The text with U+FFFD for each half of a surrogate pair that has no other half.</summary>
    public static string WithoutHalves(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
        {
            return text;
        }

        var whole = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            whole.Append(rune.ToString());
        }

        return whole.ToString();
    }

    /// <summary>Whether something in the JSON may be no Unicode text. Cheap; sometimes true without need.</summary>
    public static bool MayHaveHalves(ReadOnlySpan<byte> json) =>
        json.IndexOf("\\ud"u8) >= 0 || json.IndexOf("\\uD"u8) >= 0 || !System.Text.Unicode.Utf8.IsValid(json);

    /// <summary>Copies a value in one line, with valid text.</summary>
    public static void Copy(JsonElement value, Utf8JsonWriter writer)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var field in value.EnumerateObject())
                {
                    writer.WritePropertyName(WithoutHalves(Decode(JsonMarshal.GetRawUtf8PropertyName(field))));
                    Copy(field.Value, writer);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Copy(item, writer);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(WithoutHalves(Decode(value)));
                break;
            default:
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
                break;
        }
    }

    private static char Escaped(byte escape) => escape switch
    {
        (byte)'n' => '\n',
        (byte)'t' => '\t',
        (byte)'r' => '\r',
        (byte)'b' => '\b',
        (byte)'f' => '\f',
        _ => (char)escape,
    };
}
