using System.Text.RegularExpressions;

namespace LlmAspire.ServiceDefaults.Traces;

/// <summary>
/// What SQL does, in few words that do not vary with its values: OpenTelemetry's <c>db.query.summary</c>. What it writes comes before what it reads, as
/// people ask for the change: <c>WITH … INSERT INTO ledger.open_call … SELECT … FROM ledger.allowance</c> is <c>INSERT open_call</c>.
/// </summary>
/// <remarks>See https://opentelemetry.io/docs/specs/semconv/db/database-spans/#generating-a-summary-of-the-query.</remarks>
internal static partial class SqlSummary
{
    /// <summary>Of a statement with many parts.</summary>
    private const int MostParts = 3;

    public static string Of(string sql)
    {
        // Without comments and values; a punctuation mark is a word.
        List<string> words = [.. Word().Matches(sql).Where(word => word.Groups["word"].Success).Select(word => word.Value)];
        var writes = Enumerable.Range(0, words.Count).Select(place => Write(words, place)).OfType<string>().Distinct().Take(MostParts).ToList();
        if (writes.Count > 0)
        {
            return string.Join(' ', writes);
        }

        var verb = words.FirstOrDefault()?.ToUpperInvariant() ?? "";
        if (verb is not ("SELECT" or "WITH"))
        {
            return verb;
        }

        return Read(words) is { } table ? $"SELECT {table}" : "SELECT";
    }

    /// <summary>The write that begins at a place.</summary>
    private static string? Write(List<string> words, int place)
    {
        var verb = Upper(words, place);
        var at = (verb, Upper(words, place + 1)) switch
        {
            ("INSERT" or "MERGE", "INTO") or ("DELETE", "FROM") => place + 2,
            // Not that of FOR UPDATE, FOR NO KEY UPDATE and ON CONFLICT DO UPDATE.
            ("UPDATE", not "") when Upper(words, place - 1) is not ("FOR" or "KEY" or "DO") => place + 1,
            _ => -1,
        };
        return at > 0 && NameAt(words, at) is { } name ? $"{verb} {name}" : null;
    }

    /// <summary>The first table that is read: from the outermost FROM on, else anywhere. A part of the statement with a name of its own is none.</summary>
    private static string? Read(List<string> words)
    {
        var parts = Enumerable.Range(0, words.Count).Where(place => words[place] == "(" && Upper(words, place - 1) is "AS" or "MATERIALIZED")
            .Select(place => PartBefore(words, place)).ToHashSet(StringComparer.OrdinalIgnoreCase);
        List<(int Place, string? Name)> sources = [.. Enumerable.Range(0, words.Count).Where(place => Upper(words, place) is "FROM" or "JOIN")
            .Select(place => (place, NameAt(words, place + 1) is { } name && !parts.Contains(name) ? name : null))];
        var outermost = sources.Where(source => Upper(words, source.Place) == "FROM").Select(source => source.Place).DefaultIfEmpty()
            .MinBy(place => words.Take(place).Count(word => word == "(") - words.Take(place).Count(word => word == ")"));
        return sources.Find(source => source.Place >= outermost && source.Name is not null).Name ?? sources.Find(source => source.Name is not null).Name;
    }

    /// <summary>The name in <c>name AS (</c>, <c>name AS NOT MATERIALIZED (</c> and <c>name (column, column) AS (</c>.</summary>
    private static string PartBefore(List<string> words, int place)
    {
        var at = place - 1;
        while (at >= 0 && Upper(words, at) is "AS" or "MATERIALIZED" or "NOT")
        {
            at--;
        }

        if (at >= 0 && words[at] == ")")
        {
            at = words.LastIndexOf("(", at) - 1;
        }

        return at >= 0 ? words[at] : "";
    }

    /// <summary>The name of a table, or of a function, without its schema; null when there is none.</summary>
    private static string? NameAt(List<string> words, int at)
    {
        if (Upper(words, at) is "ONLY" or "LATERAL")
        {
            at++;
        }

        if (at >= words.Count || !IsName(words[at]))
        {
            return null;
        }

        while (at + 2 < words.Count && words[at + 1] == "." && IsName(words[at + 2]))
        {
            at += 2;
        }

        return words[at].Trim('"');
    }

    private static bool IsName(string word) => word[0] is '"' or '_' || char.IsLetter(word[0]);

    private static string Upper(List<string> words, int place) => place >= 0 && place < words.Count ? words[place].ToUpperInvariant() : "";

    /// <summary>Comments, texts in quotes and dollars, which are passed over; names, numbers and parameters, and marks.</summary>
    [GeneratedRegex("""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|(?<word>"(?:[^"]|"")*"|[\w$@:]+|[().,;])""", RegexOptions.Singleline)]
    private static partial Regex Word();
}
