using System.Text.RegularExpressions;

namespace LlmAspire.DemoGateway.Faults;

/// <summary>
/// Faults inside a message: <c>Explain rain &lt;&lt;demo pace=5 error=20&gt;&gt;</c>. They cost their tokens, but are no part of the question. A message that goes to
/// several models may mean one of them: <c>&lt;&lt;demo@claude-default error=20&gt;&gt;</c>.
/// </summary>
internal static partial class FaultMarker
{
    /// <summary>What stands between the brackets of every marker of <paramref name="text"/> that is for the alias.</summary>
    public static string Read(string text, string? alias) => string.Join(' ', Marker().Matches(text)
        .Where(match => match.Groups["alias"] is not { Success: true, Value: var meant } || meant == alias)
        .Select(match => match.Groups["faults"].Value));

    public static string Remove(string text) => Marker().Replace(text, "");

    [GeneratedRegex(@"\s*<<demo(@(?<alias>[^\s<>]+))?\s(?<faults>[^<>]*)>>", RegexOptions.CultureInvariant)]
    private static partial Regex Marker();
}
