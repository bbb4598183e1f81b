using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace LlmAspire.Usage;

/// <summary>
/// Raw usage is what a provider sent, and may be anything. JSON that some later reader does not take is kept as text, as one JSON string, so that it holds up no
/// event: <c>jsonb</c> has no NUL, no half of a character and no number beyond numeric; readers have a limit of depth.
/// </summary>
internal static class StorableUsage
{
    /// <summary>Beyond it, raw usage is cut.</summary>
    private const int MostBytes = 64 * 1024;

    /// <summary>Readers of JSON take 64, of all of what it becomes a part of.</summary>
    private const int MostDepth = 32;

    /// <summary>PostgreSQL writes a number out with all of its digits: a short one can become many pages.</summary>
    private const int MostDigits = 308;

    /// <summary>The event with raw usage that can be stored and read again, whoever goes on using the JSON that it came from.</summary>
    public static UsageEvent Of(UsageEvent usageEvent) =>
        usageEvent.RawUsage is { } raw ? usageEvent with { RawUsage = Of(raw) } : usageEvent;

    private static JsonElement? Of(JsonElement raw)
    {
        try
        {
            if (raw.ValueKind == JsonValueKind.Undefined)
            {
                return null;
            }

            var json = JsonMarshal.GetRawUtf8Value(raw);
            return IsPlain(json) ? raw.Clone() : AsText(json);
        }
        catch (ObjectDisposedException)
        {
            // Its document was given back: nothing can be read of it any more.
            return null;
        }
    }

    private static bool IsPlain(ReadOnlySpan<byte> json)
    {
        if (json.Length > MostBytes || !Utf8.IsValid(json))
        {
            return false;
        }

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MostDepth });
        try
        {
            while (reader.Read())
            {
                // GetString throws for half a character.
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped && reader.GetString()!.Contains('\0', StringComparison.Ordinal)
                    || reader.TokenType == JsonTokenType.Number && !IsShort(reader.ValueSpan))
                {
                    return false;
                }
            }

            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <param name="number">JSON's: <c>-12.5e+3</c>.</param>
    private static bool IsShort(ReadOnlySpan<byte> number)
    {
        var exponent = number.IndexOfAny((byte)'e', (byte)'E');
        return number.Length <= MostDigits && (exponent < 0 || int.TryParse(number[(exponent + 1)..], CultureInfo.InvariantCulture, out var power) && power is >= -MostDigits and <= MostDigits);
    }

    private static JsonElement AsText(ReadOnlySpan<byte> json) =>
        JsonSerializer.SerializeToElement(SqlText.Storable(Encoding.UTF8.GetString(json[..Math.Min(json.Length, MostBytes)]))!, UsageEventJson.Default.String);
}
