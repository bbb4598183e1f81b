using System.Buffers;
using System.Text;

namespace LlmAspire.Usage;

/// <summary>Text for PostgreSQL.</summary>
internal static class SqlText
{
    // A NUL, and what may be half a character.
    private static readonly SearchValues<char> Suspicious = SearchValues.Create([.. Enumerable.Range('\uD800', 0x800).Select(one => (char)one), '\0']);

    /// <summary>The text, with U+FFFD in place of what PostgreSQL's UTF-8 has not: a NUL, half a character.</summary>
    public static string? Storable(string? text) =>
        text is null || !text.AsSpan().ContainsAny(Suspicious) ? text : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Replace('\0', '\uFFFD')));
}
