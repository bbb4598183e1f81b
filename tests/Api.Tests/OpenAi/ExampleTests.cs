using LlmAspire.Usage;
using LlmAspire.Web.Accounts;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>The examples of the page of API keys, run as they stand there, with this Api's address and a key. That the page shows them so, Web.Tests show.</summary>
public sealed class ExampleTests(OpenAiFixture stack, NodeClients node) : IClassFixture<OpenAiFixture>, IClassFixture<NodeClients>, IDisposable
{
    private const string Model = "chat-default";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("examples-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task curl_answers()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The example is one for a shell of the Unix kind.");
        Assert.SkipUnless(CommandLine.IsOnPath("curl"), "curl is not on PATH.");

        await AnswersAsync("curl", async example => await RunAsync("sh", ["-c", example.Code]), """
            "finish_reason":"stop"
            """);
    }

    [Fact]
    public Task javascript_answers() => AnswersAsync("JavaScript", async example =>
    {
        // Beside the package that it imports.
        await WriteAsync(NodeClients.Folder, "example.mjs", example.Code);
        return await node.RunAsync("example.mjs", [], []);
    });

    [Fact]
    public Task csharp_answers() => AnswersAsync("C#", async example =>
    {
        var version = typeof(OpenAI.OpenAIClient).Assembly.GetName().Version!.ToString(3);
        await WriteAsync(_folder.FullName, "example.cs", $"#:package OpenAI@{version}\n{example.Code}");
        return await RunAsync("dotnet", ["run", "example.cs"]);
    });

    [Fact]
    public async Task python_answers()
    {
        var python = Array.Find(["python3", "python"], CommandLine.IsOnPath);
        Assert.SkipWhen(python is null, "Python is not on PATH.");
        var (code, _, _) = await CommandLine.RunAsync(_folder.FullName, python!, ["-c", "import openai"]);
        if (code != 0)
        {
            await WriteAsync(_folder.FullName, "example.py", Example("Python", "llma_key").Code);
            await RunAsync(python!, ["-m", "py_compile", "example.py"]);
        }

        Assert.SkipWhen(code != 0, "pip's openai is not installed: it was only seen that the example is Python.");
        await AnswersAsync("Python", async example =>
        {
            await WriteAsync(_folder.FullName, "example.py", example.Code);
            return await RunAsync(python!, ["example.py"]);
        });
    }

    private ApiExample Example(string name, string key) =>
        ApiExample.All(stack.BaseUrl.ToString(), key, Model).Single(example => example.Name == name);

    /// <summary>Runs it with a new key: it writes an answer, which is a row.</summary>
    private async Task AnswersAsync(string name, Func<ApiExample, Task<string>> run, string expected = "demo model")
    {
        var key = await stack.CreateKeyAsync();

        var output = await run(Example(name, key.Secret));

        Assert.Contains(expected, output, StringComparison.Ordinal);
        var row = Assert.Single(await stack.RowsAsync(key));
        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (row.Outcome, row.Source));
    }

    private async Task<string> RunAsync(string tool, IEnumerable<string> arguments)
    {
        var (code, output, errors) = await CommandLine.RunAsync(_folder.FullName, tool, arguments);
        Assert.True(code == 0, output + errors);
        return output;
    }

    private static Task WriteAsync(string folder, string file, string text) => File.WriteAllTextAsync(Path.Combine(folder, file), text, TestContext.Current.CancellationToken);
}
