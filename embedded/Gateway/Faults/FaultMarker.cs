using System.Text.RegularExpressions;

namespace LlmAspire.DemoGateway.Faults;

/// <summary>Faults inside a message: <c>Explain rain &lt;&lt;demo pace=5 error=20&gt;&gt;</c>. They cost their tokens, but are no part of the question.</summary>
internal static partial class FaultMarker
{
    /// <summary>What stands between the brackets of every marker of <paramref name="text"/>.</summary>
    public static string Read(string text) => string.Join(' ', Marker().Matches(text).Select(match => match.Groups["faults"].Value));

    public static string Remove(string text) => Marker().Replace(text, "");

    [GeneratedRegex(@"\s*<<demo\s(?<faults>[^<>]*)>>", RegexOptions.CultureInvariant)]
    private static partial Regex Marker();
}
