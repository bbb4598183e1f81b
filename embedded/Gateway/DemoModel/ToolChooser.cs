using System.Text.Json;
using System.Text.RegularExpressions;
using LlmAspire.DemoGateway.Contract;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>Which of the offered tools a question asks for.</summary>
internal static partial class ToolChooser
{
    private const int WordsOfDescription = 2;
    private const int StemCharacters = 7;

    /// <summary>Verbs in nearly every tool's name: they say nothing about which one is meant.</summary>
    private static readonly HashSet<string> NameVerbs =
        ["get", "set", "list", "find", "fetch", "search", "lookup", "read", "create", "make", "run", "call", "tool", "function", "current"];

    public static IReadOnlyList<ToolFunction> Choose(ChatCompletionRequest request, string question)
    {
        ToolFunction[] offered = [.. (request.Tools ?? []).Select(tool => tool.Function!)];
        if (offered.Length == 0)
        {
            return [];
        }

        if (request.ToolChoice is { ValueKind: JsonValueKind.Object } forced)
        {
            var name = forced.GetProperty("function").GetProperty("name").ToString();
            return [offered.First(tool => tool.Name == name)];
        }

        var choice = request.ToolChoice is { ValueKind: JsonValueKind.String } word ? word.GetString() : "auto";
        if (choice == "none")
        {
            return [];
        }

        ToolFunction[] asked = [.. offered.Where(tool => IsAskedFor(tool, question))];
        if (asked.Length == 0 && choice == "required")
        {
            return [offered[0]];
        }

        return request.ParallelToolCalls == false ? [.. asked.Take(1)] : asked;
    }

    private static bool IsAskedFor(ToolFunction tool, string question)
    {
        var said = Words(question).ToHashSet();
        var name = Words(NameParts().Replace(tool.Name!, "$1 $2")).ToArray();
        return question.Contains(tool.Name!, StringComparison.OrdinalIgnoreCase)
            || name.Any(word => !NameVerbs.Contains(word) && said.Any(other => IsSameStem(word, other)))
            || (Calculation().IsMatch(question) && tool.Parameters is { ValueKind: JsonValueKind.Object } parameters
                && parameters.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty("expression", out _))
            || Words(tool.Description ?? "").Distinct().Count(word => !NameVerbs.Contains(word) && said.Contains(word)) >= WordsOfDescription;
    }

    /// <summary>"Calculate" asks for a calculator.</summary>
    private static bool IsSameStem(string one, string other) =>
        one == other || (one.Length >= StemCharacters && other.Length >= StemCharacters && one.AsSpan(0, StemCharacters).SequenceEqual(other.AsSpan(0, StemCharacters)));

    /// <summary>Words that carry meaning, without a plural's s.</summary>
    private static IEnumerable<string> Words(string text) => Word().Matches(text)
        .Select(match => match.Value.ToLowerInvariant())
        .Where(word => word.Length >= 3 && !Topic.StopWords.Contains(word))
        .Select(word => word.Length > 3 && word.EndsWith('s') ? word[..^1] : word);

    [GeneratedRegex(@"\d\s*[-+*/^×÷]\s*\(*\d")]
    private static partial Regex Calculation();

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Word();

    [GeneratedRegex(@"([\p{Ll}\p{N}])(\p{Lu})")]
    private static partial Regex NameParts();
}
