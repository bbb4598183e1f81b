using System.Collections.Concurrent;
using System.Diagnostics;

namespace LlmAspire.AppHost.Tests;

/// <summary>The AppHost as <c>dotnet run</c> starts it, in a process of its own, with data of its own.</summary>
public sealed class AppHostProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly SemaphoreSlim _arrived = new(0);

    private AppHostProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public int ExitCode => _process.ExitCode;

    public string Output => string.Join('\n', _lines);

    public static AppHostProcess Start(IEnumerable<KeyValuePair<string, string?>> environment, params string[] args)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Projects.AppHost.ProjectPath,
        };
        foreach (var arg in (string[])["exec", typeof(Projects.AppHost).Assembly.Location, .. args])
        {
            start.ArgumentList.Add(arg);
        }

        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        var appHost = new AppHostProcess(process);
        process.OutputDataReceived += (_, line) => appHost.OnLine(line.Data);
        process.ErrorDataReceived += (_, line) => appHost.OnLine(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        return appHost;
    }

    /// <summary>Waits for a line that holds the text.</summary>
    public async Task WaitForLineAsync(string text, CancellationToken cancellationToken)
    {
        while (!_lines.Any(line => line.Contains(text, StringComparison.Ordinal)))
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"The AppHost ended with exit code {_process.ExitCode}:\n{Output}");
            }

            await _arrived.WaitAsync(TimeSpan.FromSeconds(1), cancellationToken);
        }
    }

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    public void Kill() => _process.Kill();

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        _arrived.Dispose();
    }

    private void OnLine(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
            _arrived.Release();
        }
    }
}
