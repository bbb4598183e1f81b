namespace LlmAspire.Web.Chat;

/// <summary>Text that is shown as it is, in pieces: while it grows only its last piece changes, and a browser lays out a piece at once but not a megabyte.</summary>
internal static class PlainText
{
    /// <summary>The longest piece, in UTF-16 units.</summary>
    public const int PieceLength = 4_000;

    /// <summary>The pieces of a text, each up to the end of a line or of a word where there is one. Together they are the text; more text changes only the last.</summary>
    public static IEnumerable<string> Split(string text)
    {
        var start = 0;
        while (text.Length - start > PieceLength)
        {
            var length = LengthOf(text.AsSpan(start, PieceLength));
            yield return text.Substring(start, length);
            start += length;
        }

        if (start < text.Length)
        {
            yield return text[start..];
        }
    }

    private static int LengthOf(ReadOnlySpan<char> most)
    {
        var late = most[(most.Length / 2)..];
        var end = late.LastIndexOf('\n') is var line and >= 0 ? line : late.LastIndexOf(' ');
        return end >= 0 ? (most.Length / 2) + end + 1 : char.IsHighSurrogate(most[^1]) ? most.Length - 1 : most.Length;
    }
}
