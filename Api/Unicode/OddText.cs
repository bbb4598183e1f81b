using System.Buffers;
using System.Text;
using System.Text.Json;

namespace LlmAspire.Api.Unicode;

/// <summary>Text of strangers, with U+FFFD in place of what is no text: half a character, a NUL, a control character other than tab and line end.</summary>
internal static class OddText
{
    private static readonly SearchValues<char> Suspicious = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(one => (char)one).Where(IsControl), .. Enumerable.Range('\uD800', 0x800).Select(one => (char)one)]);

    /// <summary>The same text when it has nothing of that.</summary>
    public static string Replace(string text)
    {
        if (!text.AsSpan().ContainsAny(Suspicious))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                result.Append(text[i]).Append(text[++i]);
            }
            else
            {
                result.Append(char.IsSurrogate(text[i]) || IsControl(text[i]) ? '\uFFFD' : text[i]);
            }
        }

        return result.ToString();
    }

    /// <summary>The same in the strings and names of a JSON value, which may hold what no string can be made of.</summary>
    public static JsonElement Replace(JsonElement json)
    {
        if (json.ValueKind is not (JsonValueKind.String or JsonValueKind.Array or JsonValueKind.Object))
        {
            return json;
        }

        var text = json.GetRawText();
        // What is odd in valid JSON is written as an escape.
        return text.Contains('\\', StringComparison.Ordinal) ? JsonElement.Parse(JsonRepair.Repair(text)) : json;
    }

    internal static bool IsControl(char one) => one is < ' ' and not ('\t' or '\n' or '\r');
}
