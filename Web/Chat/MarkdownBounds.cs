namespace LlmAspire.Web.Chat;

/// <summary>How much of an answer is rendered. What is beyond is shown as plain text.</summary>
internal static class MarkdownBounds
{
    /// <summary>What is rendered of an answer, in UTF-16 units.</summary>
    public const int MaxMarkdown = 100_000;

    /// <summary>The longest paragraph or table, in UTF-16 units: finding emphasis and links takes time by the square of it, a tenth of a second for the worst of this length.</summary>
    public const int MaxParagraph = 8_000;

    /// <summary>How deep lists and quotations are nested: deeper ones have no width left on the page.</summary>
    public const int MaxDepth = 24;

    /// <summary>How many lists and quotations a line begins: to parse them takes time by the square, too.</summary>
    public const int MaxMarkers = 128;

    /// <summary>How many elements an answer has: a browser lays out so many between two frames.</summary>
    public const int MaxElements = 4_000;

    /// <summary>Where the markdown of an answer ends: at the end of a line within <see cref="MaxMarkdown"/>, before a line with more than <see cref="MaxMarkers"/>.</summary>
    /// <param name="from">The beginning of a line; those before are within the bounds.</param>
    public static int EndOf(string markdown, int from)
    {
        var end = markdown.Length;
        if (end > MaxMarkdown)
        {
            var line = LineStart(markdown, MaxMarkdown);
            end = line > 0 ? line : char.IsHighSurrogate(markdown[MaxMarkdown - 1]) ? MaxMarkdown - 1 : MaxMarkdown;
        }

        while (from < end)
        {
            var line = markdown.AsSpan(from, end - from);
            var length = line.IndexOf('\n');
            line = length < 0 ? line : line[..length];
            if (Markers(line) > MaxMarkers)
            {
                return from;
            }

            from += line.Length + 1;
        }

        return end;
    }

    /// <summary>Where the line begins in which a place is.</summary>
    public static int LineStart(string text, int index) => index == 0 ? 0 : text.LastIndexOf('\n', index - 1) + 1;

    /// <summary>How many markers a line begins with: <c>&gt; - 1. a) text</c> has four.</summary>
    private static int Markers(ReadOnlySpan<char> line)
    {
        for (var count = 0; ; count++)
        {
            line = line.TrimStart();
            var length = line switch
            {
                ['>', ..] or ['-' or '*' or '+'] or ['-' or '*' or '+', ' ' or '\t', ..] => 1,
                _ => LengthOfNumber(line),
            };
            if (length == 0)
            {
                return count;
            }

            line = line[length..];
        }
    }

    /// <summary>Of <c>12.</c>, <c>b)</c> or <c>iv.</c> before a space; 0 when there is none.</summary>
    private static int LengthOfNumber(ReadOnlySpan<char> line)
    {
        var length = 0;
        while (length < line.Length && char.IsAsciiLetterOrDigit(line[length]))
        {
            length++;
        }

        return length > 0 && line[length..] is ['.' or ')'] or ['.' or ')', ' ' or '\t', ..] ? length + 1 : 0;
    }
}
