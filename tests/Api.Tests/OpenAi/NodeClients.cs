using System.Diagnostics;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>The clients of npm, installed by their lock file when they are first needed.</summary>
public sealed class NodeClients : IAsyncLifetime
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "OpenAi", "npm");

    /// <summary>Why nothing can be run; null when it can.</summary>
    private string? _missing;

    public async ValueTask InitializeAsync()
    {
        _missing = Array.Find(["node", "npm"], tool => !IsOnPath(tool)) is { } absent ? $"{absent} is not on PATH: the clients of npm are not tested." : null;
        if (_missing is null)
        {
            var (code, output) = await StartAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], new Dictionary<string, string>());
            Assert.True(code == 0, output);
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Runs a scenario, which fails when the script does.</summary>
    public async Task RunAsync(string client, string scenario, Dictionary<string, string> environment)
    {
        Assert.SkipWhen(_missing is not null, _missing ?? "");
        var (code, output) = await StartAsync("node", [$"{client}.mjs", scenario], environment);
        Assert.True(code == 0, output);
    }

    private static bool IsOnPath(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, tool)) || File.Exists(Path.Combine(folder, tool + (tool == "npm" ? ".cmd" : ".exe"))));

    private static async Task<(int Code, string Output)> StartAsync(string tool, IEnumerable<string> arguments, Dictionary<string, string> environment)
    {
        var start = OperatingSystem.IsWindows() ? new ProcessStartInfo("cmd", ["/c", tool, .. arguments]) : new ProcessStartInfo(tool, arguments);
        (start.WorkingDirectory, start.RedirectStandardOutput, start.RedirectStandardError) = (Folder, true, true);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output + await errors);
    }
}
