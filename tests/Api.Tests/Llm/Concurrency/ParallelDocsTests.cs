using LlmAspire.Api.Llm.Concurrency;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tests.Llm.Concurrency;

/// <summary>The code of docs/parallel.md, run.</summary>
public sealed class ParallelDocsTests
{
    private const string Begin = "// <example>\n";

    private const string End = "        // </example>";

    [Fact]
    public async Task the_example_runs_and_is_that_of_the_documentation()
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var runner = ActivatorUtilities.CreateInstance<ParallelRunner>(services, Options.Create(new ParallelLimits()), TimeProvider.System);
        var orgId = Guid.CreateVersion7();
        var cancellationToken = TestContext.Current.CancellationToken;
        string[] texts = ["one", "two", ""];
        List<string> summaries = [];

        // <example>
        var items = texts.Select(text => new ParallelItem<string>(orgId, "chat-default", UsageOperation.Tool, token => SummariseAsync(text, token))).ToList();

        // All of them, in their order, however each ended.
        foreach (var result in await runner.RunAsync(items, cancellationToken: cancellationToken))
        {
            summaries.Add(result.Outcome == ParallelOutcome.Succeeded ? result.Value! : $"{result.Index}: {result.Exception?.Message}");
        }

        // The first good one; the others are cancelled.
        var best = new ParallelRunOptions<string> { Accept = summary => summary.Length > 3 };
        await foreach (var result in runner.StreamAsync(items, best, cancellationToken))
        {
            if (result.IsAccepted)
            {
                summaries.Add($"after {result.Duration}: {result.Value}");
            }
        }
        // </example>

        Assert.Equal(["1 one", "1 two", "2: There is nothing to summarise."], summaries.Take(3));
        Assert.Equal(4, summaries.Count);
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "LlmAspire.sln")))
        {
            root = root.Parent!;
        }

        var source = await ReadAsync("tests/Api.Tests/Llm/Concurrency/ParallelDocsTests.cs");
        var example = source.Split(Begin)[^1].Split(End)[0];
        var written = string.Join('\n', example.Split('\n').Select(line => line.StartsWith("        ", StringComparison.Ordinal) ? line[8..] : line));
        Assert.Contains(written.TrimEnd(), await ReadAsync("docs/parallel.md"), StringComparison.Ordinal);

        async Task<string> ReadAsync(string path) => (await File.ReadAllTextAsync(Path.Combine(root.FullName, path), cancellationToken)).ReplaceLineEndings("\n");
    }

    private static Task<string> SummariseAsync(string text, CancellationToken cancellationToken) => text.Length == 0
        ? throw new InvalidOperationException("There is nothing to summarise.")
        : Task.FromResult($"{text.Split(' ').Length} {text}").WaitAsync(cancellationToken);
}
