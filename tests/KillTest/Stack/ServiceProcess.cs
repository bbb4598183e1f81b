using System.Diagnostics;

namespace LlmAspire.KillTest.Stack;

/// <summary>
/// A service as a process of its own, and its supervisor: started again whenever it ends, on the same port, with its output added to the same
/// file. Not to be used concurrently.
/// </summary>
internal sealed class ServiceProcess(string name, string assembly, Uri url, IReadOnlyDictionary<string, string> environment, string logFile) : IAsyncDisposable
{
    // The shell becomes the service: its process id is the service's, and nobody has to pump the output.
    private const string IntoFile = """exec "$@" >>"$KILLTEST_LOG" 2>&1""";

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly HttpClient _http = new() { BaseAddress = url, Timeout = ProbePatience };
    private Process? _process;
    private Task _supervision = Task.CompletedTask;
    private bool _supervised;
    private int _expectedEnds;

    public string Name => name;

    public Uri Url => url;

    public string LogFile => logFile;

    /// <summary>How often it ended although nobody told it to.</summary>
    public int Crashes { get; private set; }

    public void Start()
    {
        lock (_lock)
        {
            _supervised = true;
            Launch();
        }

        _supervision = SuperviseAsync();
    }

    /// <summary>SIGKILL. Its supervisor starts it again at once.</summary>
    public async Task KillAsync()
    {
        Process process;
        lock (_lock)
        {
            _expectedEnds++;
            process = _process!;
        }

        process.Kill();
        // Until the supervisor has started the next one: whoever kills again kills that.
        while (ReferenceEquals(process, Volatile.Read(ref _process)))
        {
            await Task.Delay(Poll);
        }
    }

    /// <summary>SIGTERM, and no supervisor any more.</summary>
    /// <returns>The exit code; null when it had to be killed after <paramref name="patience"/>.</returns>
    public async Task<int?> TerminateAsync(TimeSpan patience)
    {
        Leave();
        await Signals.SendAsync("TERM", _process!.Id);
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
            return _process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            return null;
        }
        finally
        {
            await _supervision;
        }
    }

    public Task FreezeAsync() => Signals.SendAsync("STOP", _process!.Id);

    public Task ContinueAsync() => Signals.SendAsync("CONT", _process!.Id);

    /// <exception cref="NotHealthyException">It took longer than <paramref name="patience"/>.</exception>
    public async Task WaitUntilHealthyAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var since = Stopwatch.GetTimestamp();
        string last;
        while ((last = await ProbeAsync(cancellationToken)) != "")
        {
            if (Stopwatch.GetElapsedTime(since) > patience)
            {
                throw new NotHealthyException($"{name} was not healthy within {patience.TotalSeconds:0} s: {last}");
            }

            await Task.Delay(Poll, cancellationToken);
        }
    }

    /// <summary>Empty when it is healthy.</summary>
    public async Task<string> ProbeAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await _http.GetAsync(new Uri(name == KillStack.GatewayName ? "/health/readiness" : "/health", UriKind.Relative), cancellationToken);
            return answer.IsSuccessStatusCode ? "" : $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancellationToken)}";
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return exception.Message;
        }
    }

    public async ValueTask DisposeAsync()
    {
        Leave();
        if (_process is { HasExited: false })
        {
            _process.Kill();
        }

        await _supervision;
        _process?.Dispose();
        _http.Dispose();
    }

    /// <summary>From now on nobody starts it again.</summary>
    private void Leave()
    {
        lock (_lock)
        {
            _supervised = false;
        }
    }

    private void Launch()
    {
        var start = new ProcessStartInfo("sh", ["-c", IntoFile, "sh", "dotnet", assembly])
        {
            WorkingDirectory = Path.GetDirectoryName(assembly),
        };
        start.Environment["KILLTEST_LOG"] = logFile;
        start.Environment["ASPNETCORE_URLS"] = url.ToString();
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        var ended = _process;
        Volatile.Write(ref _process, Process.Start(start)!);
        ended?.Dispose();
    }

    private async Task SuperviseAsync()
    {
        while (true)
        {
            await _process!.WaitForExitAsync();
            lock (_lock)
            {
                if (!_supervised)
                {
                    return;
                }

                if (_expectedEnds > 0)
                {
                    _expectedEnds--;
                }
                else
                {
                    Crashes++;
                }

                Launch();
            }
        }
    }
}

/// <summary>A part of the stack did not recover in time.</summary>
internal sealed class NotHealthyException(string message) : Exception(message);
