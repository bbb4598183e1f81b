using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>A service as a real process, with a home of its own: what replicas share, they share elsewhere.</summary>
internal sealed class ServiceProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly HttpClient _http = new();
    private readonly ConcurrentQueue<string> _output = new();
    private readonly string _home = Directory.CreateTempSubdirectory("llmaspire-home-").FullName;

    /// <param name="environment">Beyond what every service gets.</param>
    public ServiceProcess(string project, Dictionary<string, string> environment)
    {
        var folder = Path.GetFullPath(Path.Combine(Projects.AppHost.ProjectPath, "..", project));
        var output = Path.GetRelativePath(Path.Combine(Projects.AppHost.ProjectPath, "..", "tests", "EndToEnd.Tests"), AppContext.BaseDirectory);
        Address = new Uri($"http://localhost:{FreePort()}");
        _http.BaseAddress = Address;
        var start = new ProcessStartInfo("dotnet", [Path.Combine(folder, output, $"{project}.dll")])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.Environment["ASPNETCORE_URLS"] = Address.ToString();
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

    public Uri Address { get; }

    public string Output => string.Join('\n', _output);

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

        _process.Dispose();
        _http.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    private async Task<bool> IsHealthyAsync()
    {
        try
        {
            return (await _http.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken)).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
