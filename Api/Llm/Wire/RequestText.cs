using System.Globalization;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>What stands between the quotation marks of a JSON string. No method copies it.</summary>
internal static class RequestText
{
    private const int EscapeLength = 6;

    /// <summary>
    /// Whether each escaped half of a surrogate pair has its other half beside it. <c>"\ud83d\ude00"</c> is a character; <c>"\ud83d"</c> is none, and nobody can encode it.
    /// </summary>
    public static bool HasWholeCharacters(ReadOnlySpan<byte> text)
    {
        for (var at = NextEscape(text, 0); at >= 0; at = NextEscape(text, at))
        {
            var unit = UnitAt(text, at);
            if (char.IsHighSurrogate(unit))
            {
                var second = at + EscapeLength;
                if (!IsUnicodeEscape(text, second) || !char.IsLowSurrogate(UnitAt(text, second)))
                {
                    return false;
                }

                at = second;
            }
            else if (char.IsLowSurrogate(unit))
            {
                return false;
            }

            at += EscapeLength;
        }

        return true;
    }

    /// <summary>Whether it has the character NUL, which PostgreSQL cannot store. Unescaped, JSON does not allow it.</summary>
    public static bool HasNul(ReadOnlySpan<byte> text)
    {
        for (var at = NextEscape(text, 0); at >= 0; at = NextEscape(text, at))
        {
            if (UnitAt(text, at) == '\0')
            {
                return true;
            }

            at += EscapeLength;
        }

        return false;
    }

    /// <summary>Whether a text begins so, whatever of it is escaped: <c>data:image\/png</c> begins with <c>data:image/</c>.</summary>
    /// <param name="ascii">Neither control characters nor quotation marks.</param>
    public static bool StartsWith(ReadOnlySpan<byte> text, ReadOnlySpan<byte> ascii)
    {
        foreach (var expected in ascii)
        {
            var (unit, length) = text is [(byte)'\\', (byte)'u', ..] ? (UnitAt(text, 0), EscapeLength)
                : text is [(byte)'\\', var escaped, ..] ? ((char)escaped, 2)
                : text is [var plain, ..] ? ((char)plain, 1)
                : ('\0', 0);
            if (unit != expected)
            {
                return false;
            }

            text = text[length..];
        }

        return true;
    }

    /// <summary>Where the next <c>\u</c> is whose backslash is not itself escaped; -1 when there is none. In <c>\\u</c> it is.</summary>
    private static int NextEscape(ReadOnlySpan<byte> text, int from)
    {
        while (text[from..].IndexOf("\\u"u8) is var found and >= 0)
        {
            var backslashes = found + 1 - (text.Slice(from, found + 1).LastIndexOfAnyExcept((byte)'\\') + 1);
            if (backslashes % 2 != 0)
            {
                return from + found;
            }

            from += found + 2;
        }

        return -1;
    }

    private static bool IsUnicodeEscape(ReadOnlySpan<byte> text, int at) => at + EscapeLength <= text.Length && text[at] == '\\' && text[at + 1] == 'u';

    // The reader has seen that they are four hexadecimal digits.
    private static char UnitAt(ReadOnlySpan<byte> text, int at) => (char)ushort.Parse(text.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
