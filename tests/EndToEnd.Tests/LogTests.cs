using System.Text.RegularExpressions;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Logs at Information tell what happens in this installation.</summary>
public sealed partial class LogTests(StackFixture stack)
{
    private static readonly string[] Services = ["api", "web", "usage-worker", "litellm"];

    [Fact]
    public void what_is_logged_at_information_is_ours_and_where_a_service_listens_is_said_once()
    {
        var lines = stack.Log.Lines.Where(line => Services.Contains(line.Resource)).Select(line => (line.Resource, Text: Escape().Replace(line.Text, ""))).ToList();
        var news = lines.Select(line => (line.Resource, Category: Information().Match(line.Text).Groups[1].Value)).Where(line => line.Category.Length > 0).ToList();

        Assert.All(Services, service => Assert.Single(news, line => line == (service, "Microsoft.Hosting.Lifetime")));
        Assert.All(news, line => Assert.True(
            line.Category.StartsWith("LlmAspire.", StringComparison.Ordinal) || line.Category == "Microsoft.Hosting.Lifetime", $"{line.Resource}: {line.Category}"));
    }

    /// <summary>The heading of an entry, as in <c>12: 2026-11-30T21:43:37.5580000Z info: LlmAspire.Usage.SchemaMigrator[527571819]</c>.</summary>
    [GeneratedRegex(@"^(?:\d+: \S+Z )?info: ([\w.+`]+)\[")]
    private static partial Regex Information();

    /// <summary>Of colours.</summary>
    [GeneratedRegex(@"\e\[[0-9;]*m")]
    private static partial Regex Escape();
}
