using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmAspire.Api.Search;

/// <summary>The part of a text in which something was found, in one line.</summary>
internal static partial class Snippet
{
    /// <summary>How much of the text is needed before the hit, in code points; more than is shown, as one emoji may have ten of them.</summary>
    public const int CharactersBefore = 200;

    /// <summary>How much of the text is needed, in code points.</summary>
    public const int Characters = 1_500;

    /// <summary>Few: what shows it may be narrow.</summary>
    private const int ShownBefore = 20;

    private const int ShownAfter = 150;

    private const string Cut = "…";

    /// <param name="text">The text, or the part around the hit.</param>
    /// <param name="pattern">What was found.</param>
    /// <param name="isBeginning">Whether nothing of the text is before this part.</param>
    /// <param name="isEnd">Whether nothing of the text is after it.</param>
    public static string Of(string text, string pattern, bool isBeginning, bool isEnd)
    {
        text = Blanks().Replace(text, " ");
        var hit = Regex.Match(text, pattern);
        // The characters as people count them: an emoji is one.
        var starts = StringInfo.ParseCombiningCharacters(text);
        var (first, after) = (IndexOf(starts, hit.Index), IndexOf(starts, hit.Index + hit.Length - 1) + 1);
        // At an end where the part was cut off, half a character may be.
        var from = Math.Max(first - ShownBefore, isBeginning ? 0 : Math.Min(first, 1));
        var to = Math.Max(after, Math.Min(after + ShownAfter, starts.Length - (isEnd ? 0 : 1)));
        if (from > 0 || !isBeginning)
        {
            from = Enumerable.Range(from, first - from).FirstOrDefault(at => text[starts[at]] == ' ', from);
            isBeginning = false;
        }

        if (to < starts.Length || !isEnd)
        {
            to = Enumerable.Range(after, to - after).LastOrDefault(at => text[starts[at]] == ' ', to);
            isEnd = false;
        }

        var end = to < starts.Length ? starts[to] : text.Length;
        var shown = from < end ? text[(from < starts.Length ? starts[from] : end)..end].Trim() : "";
        return $"{(isBeginning ? "" : Cut)}{shown}{(isEnd ? "" : Cut)}";
    }

    /// <summary>The character that a place in the text belongs to.</summary>
    private static int IndexOf(int[] starts, int at)
    {
        var index = Array.BinarySearch(starts, Math.Max(at, 0));
        return index >= 0 ? index : Math.Max(~index - 1, 0);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
