using System.Collections.Frozen;
using System.Text;
using System.Text.RegularExpressions;

namespace LlmAspire.Api.Search;

/// <summary>
/// One thing to find, as part of a word too: a word, or a phrase. As a pattern it means the same to PostgreSQL and to .NET, whatever the locale of the database: it names each
/// letter in all its cases, so that neither has to know cases.
/// </summary>
/// <param name="IsExcluded">It must not be there.</param>
internal sealed record SearchTerm(string Text, bool IsExcluded = false)
{
    /// <summary>PostgreSQL takes 20 times as long for a pattern of 300 characters as for one of 100, for each text.</summary>
    private const int QuickCharacters = 100;

    /// <summary>Also between the lines: a phrase may be broken anywhere.</summary>
    private static readonly string Blank = $"[{string.Concat(Enumerable.Range(1, char.MaxValue).Select(one => (char)one).Where(char.IsWhiteSpace))}]+";

    /// <summary>The letters that differ in case only, such as Σ, σ and ς, by each of them.</summary>
    private static readonly FrozenDictionary<Rune, string> Cases = Enumerable.Range(0, 0x20000).Where(Rune.IsValid).Select(value => new Rune(value))
        .GroupBy(one => Rune.ToUpperInvariant(Rune.ToLowerInvariant(one)))
        .Where(group => group.Skip(1).Any())
        .SelectMany(group => group.Select(one => KeyValuePair.Create(one, string.Concat(group))))
        .ToFrozenDictionary();

    public string Pattern => PatternOf(Text.EnumerateRunes());

    /// <summary>A text has all of these: the beginning of a long term is looked for first, which is quick and in few texts.</summary>
    public IEnumerable<string> Patterns => Text.Length > QuickCharacters ? [PatternOf(Text.EnumerateRunes().Take(QuickCharacters / 2)), Pattern] : [Pattern];

    private static string PatternOf(IEnumerable<Rune> runes)
    {
        var pattern = new StringBuilder();
        var wasBlank = false;
        foreach (var rune in runes)
        {
            var isBlank = Rune.IsWhiteSpace(rune);
            if (!(isBlank && wasBlank))
            {
                pattern.Append(isBlank ? Blank : PatternOf(rune));
            }

            wasBlank = isBlank;
        }

        return pattern.ToString();
    }

    private static string PatternOf(Rune rune) => Cases.TryGetValue(rune, out var cases)
        // To .NET, letters beyond U+FFFF are two characters, which no set can hold.
        ? rune.IsBmp ? $"[{cases}]" : $"(?:{string.Join('|', cases.EnumerateRunes())})"
        : Regex.Escape(rune.ToString());
}
