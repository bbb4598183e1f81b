using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LlmAspire.EmbeddedPostgres.Tests;

/// <summary>The supervisor as a real process.</summary>
internal sealed class SupervisorProcess : IAsyncDisposable
{
    /// <summary>For a machine on which everything runs at once: only a test that fails takes it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly HttpClient _http = new();
    private readonly ConcurrentQueue<string> _output = new();

    private SupervisorProcess(Process process, Uri url)
    {
        _process = process;
        _http.BaseAddress = url;
        process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => string.Join('\n', _output);

    public int ExitCode => _process.ExitCode;

    public static SupervisorProcess Start(string cluster, params (string Name, string Value)[] settings)
    {
        var url = $"http://127.0.0.1:{FreePort()}";
        var start = new ProcessStartInfo("dotnet", [typeof(PostgresServer).Assembly.Location])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        start.Environment["ASPNETCORE_URLS"] = url;
        start.Environment["Postgres__DataDirectory"] = cluster;
        start.Environment["Postgres__Password"] = "secret";
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        return new SupervisorProcess(Process.Start(start)!, new Uri(url));
    }

    /// <summary>Waits until it answers 200, and returns the server's process id.</summary>
    public async Task<int> WaitUntilHealthyAsync(string cluster)
    {
        await WaitAsync(async () =>
        {
            Assert.False(_process.HasExited, Output);
            try
            {
                return (await _http.GetAsync(new Uri("/health", UriKind.Relative), TestContext.Current.CancellationToken)).IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        var lines = await File.ReadAllLinesAsync(Path.Combine(cluster, "postmaster.pid"), TestContext.Current.CancellationToken);
        return int.Parse(lines[0], CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until its output has <paramref name="text"/>.</summary>
    public Task WaitUntilItSaysAsync(string text) => WaitAsync(() =>
    {
        Assert.False(_process.HasExited, Output);
        return Task.FromResult(Output.Contains(text, StringComparison.Ordinal));
    });

    public async Task WaitForExitAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        await _process.WaitForExitAsync(patience.Token);
    }

    /// <summary>Ends it with SIGKILL.</summary>
    public void Kill(bool entireProcessTree = false) => _process.Kill(entireProcessTree);

    /// <summary>Ends it with SIGTERM.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    public static bool IsRunning(int processId)
    {
        try
        {
            using var server = Process.GetProcessById(processId);
            return !server.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Waits for a condition.</summary>
    public static async Task WaitAsync(Func<Task<bool>> condition)
    {
        var since = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < Patience, "waited in vain");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Terminate();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        _http.Dispose();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
