using System.Text.RegularExpressions;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>
/// The demo model's tokens: word pieces of up to six letters with the space before them, numbers by three digits, single
/// punctuation marks and line breaks, runs of up to eight spaces. No text is lost: the tokens joined are the text.
/// </summary>
internal static partial class Tokenizer
{
    public static IReadOnlyList<string> Split(string text)
    {
        var tokens = new List<string>();
        foreach (var match in Token().EnumerateMatches(text))
        {
            tokens.Add(text.Substring(match.Index, match.Length));
        }

        return tokens;
    }

    public static int Count(string text) => Token().Count(text);

    // A surrogate pair is one token: half of one would not survive the encoding to UTF-8.
    [GeneratedRegex(@" ?[\p{L}\p{M}]{1,6}| ?\p{N}{1,3}|[\uD800-\uDBFF][\uDC00-\uDFFF]| {1,8}|[\s\S]", RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}
