namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>The clients of npm, installed by their lock file once, when they are first needed.</summary>
public sealed class NodeClients : IAsyncLifetime
{
    private static readonly Lazy<Task<string?>> Installation = new(InstallAsync);

    /// <summary>Why nothing can be run; null when it can.</summary>
    private string? _missing;

    internal static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "OpenAi", "npm");

    public async ValueTask InitializeAsync() => _missing = await Installation.Value;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Runs a scenario, which fails when the script does.</summary>
    public Task RunAsync(string client, string scenario, Dictionary<string, string> environment) => RunAsync($"{client}.mjs", [scenario], environment);

    /// <summary>Runs a script of <see cref="Folder"/>.</summary>
    /// <returns>What it wrote.</returns>
    internal async Task<string> RunAsync(string script, IEnumerable<string> arguments, Dictionary<string, string> environment)
    {
        Assert.SkipWhen(_missing is not null, _missing ?? "");
        var (code, output, errors) = await CommandLine.RunAsync(Folder, "node", [script, .. arguments], environment);
        Assert.True(code == 0, output + errors);
        return output;
    }

    private static async Task<string?> InstallAsync()
    {
        if (Array.Find(["node", "npm"], tool => !CommandLine.IsOnPath(tool)) is { } absent)
        {
            return $"{absent} is not on PATH: the clients of npm are not tested.";
        }

        var (code, output, errors) = await CommandLine.RunAsync(Folder, "npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        return code == 0 ? null : throw new InvalidOperationException(output + errors);
    }
}
