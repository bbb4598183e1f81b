using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>A service as a real process, with a home of its own: what replicas share, they share elsewhere.</summary>
internal sealed partial class ServiceProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _project;
    private readonly Process _process;
    private readonly HttpClient _http = new();
    private readonly ConcurrentQueue<string> _output = new();
    private string _health = "";
    private readonly string _home = Directory.CreateTempSubdirectory("llmaspire-home-").FullName;

    /// <param name="environment">Beyond what every service gets.</param>
    public ServiceProcess(string project, Dictionary<string, string> environment)
    {
        _project = project;
        var folder = Path.GetFullPath(Path.Combine(Projects.AppHost.ProjectPath, "..", project));
        var output = Path.GetRelativePath(Path.Combine(Projects.AppHost.ProjectPath, "..", "tests", "EndToEnd.Tests"), AppContext.BaseDirectory);
        var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, output, $"{project}.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        start.Environment["HOME"] = _home;
        start.Environment["Spool__Directory"] = Path.Combine(_home, "spool");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where it listens: a port that the system chose. Known when it is healthy.</summary>
    public Uri Address { get; private set; } = null!;

    public string Output => string.Join('\n', [.. _output, _health]);

    public int ExitCode => _process.ExitCode;

    public async Task WaitUntilHealthyAsync()
    {
        var since = Stopwatch.GetTimestamp();
        while (!await IsHealthyAsync())
        {
            Assert.False(_process.HasExited, Output);
            Assert.True(Stopwatch.GetElapsedTime(since) < Patience, Output);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    public async Task TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        await _process.WaitForExitAsync(patience.Token);
    }

    /// <summary>SIGKILL: nothing is finished, nothing is said.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        File.WriteAllText(Artifacts.PathOf($"{_project}-{_process.Id}.log"), Output);
        _process.Dispose();
        _http.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    private async Task<bool> IsHealthyAsync()
    {
        if (_output.Select(line => Listening().Match(line)).FirstOrDefault(match => match.Success) is not { } match)
        {
            return false;
        }

        Address = new Uri(match.Groups[1].Value);
        using var health = await _http.GetAsync(new Uri(Address, "/health"), TestContext.Current.CancellationToken);
        _health = await health.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return health.IsSuccessStatusCode;
    }

    [GeneratedRegex(@"Now listening on: (http://\S+)")]
    private static partial Regex Listening();
}
