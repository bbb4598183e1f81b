using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace LlmAspire.AppHost.Tests;

/// <summary>The AppHost as <c>dotnet run</c> starts it, in a process of its own, with data of its own.</summary>
public sealed partial class AppHostProcess : IAsyncDisposable
{
    /// <summary>What Ctrl+C sends.</summary>
    public const int Interrupt = 2;

    /// <summary>What a service manager sends.</summary>
    public const int Terminate = 15;

    private const string Mark = "LLMASPIRE_TEST_MARK";

    /// <summary>Whether these tests were started in the background of a shell: then they, and all they start, hear no Ctrl+C.</summary>
    public static bool IgnoresInterrupt { get; } = OperatingSystem.IsLinux()
        && File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is { } ignored
        && (Convert.ToUInt64(ignored["SigIgn:".Length..].Trim(), 16) & (1UL << (Interrupt - 1))) != 0;

    private readonly Process _process;
    private readonly string _mark;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly SemaphoreSlim _arrived = new(0);

    private AppHostProcess(Process process, string mark) => (_process, _mark) = (process, mark);

    public int ExitCode => _process.ExitCode;

    public string Output => string.Join('\n', _lines);

    public static AppHostProcess Start(IEnumerable<KeyValuePair<string, string?>> environment, params string[] args)
    {
        var mark = Guid.NewGuid().ToString();
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

        // What launchSettings.json gives, with ports that are free.
        start.Environment["DOTNET_ENVIRONMENT"] = "Development";
        start.Environment["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
        foreach (var setting in (string[])["ASPNETCORE_URLS", "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"])
        {
            start.Environment[setting] = "http://localhost:0";
        }

        start.Environment[Mark] = mark;
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        var appHost = new AppHostProcess(process, mark);
        process.OutputDataReceived += (_, line) => appHost.OnLine(line.Data);
        process.ErrorDataReceived += (_, line) => appHost.OnLine(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        return appHost;
    }

    /// <summary>Waits for a line that holds the text.</summary>
    /// <exception cref="InvalidOperationException">The AppHost ended before.</exception>
    /// <exception cref="TimeoutException">The line has not come until the wait was cancelled; says what has.</exception>
    public async Task WaitForLineAsync(string text, CancellationToken cancellationToken)
    {
        while (!_lines.Any(line => line.Contains(text, StringComparison.Ordinal)))
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"The AppHost ended with exit code {_process.ExitCode}:\n{Output}");
            }

            try
            {
                await _arrived.WaitAsync(TimeSpan.FromSeconds(1), cancellationToken);
            }
            catch (OperationCanceledException exception)
            {
                throw new TimeoutException($"'{text}' has not come:\n{Output}", exception);
            }
        }
    }

    /// <summary>Where a resource said that it is ready.</summary>
    public Uri UrlOf(string resource) => new(Regex.Match(Output, $@"{resource} +ready after .*?(http://[^\s/]+)").Groups[1].Value);

    public Task WaitForExitAsync(CancellationToken cancellationToken) => _process.WaitForExitAsync(cancellationToken);

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>SIGKILL: nothing is stopped, nothing is said.</summary>
    public void Kill() => _process.Kill();

    /// <summary>
    /// The processes of this stack, the AppHost among them: each inherits its mark. Programs of the machine that Aspire starts, such as the one that ends
    /// the others after a SIGKILL, are among them too.
    /// </summary>
    public IReadOnlyList<(int Id, string CommandLine, string Environment)> FindProcesses() =>
        [.. Directory.GetDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
            .Where(id => id != 0)
            .Select(id => (id, Read(id, "cmdline"), Read(id, "environ")))
            .Where(process => process.Item3.Contains($"{Mark}={_mark}", StringComparison.Ordinal))];

    /// <summary>Waits until no process of this stack is left.</summary>
    public async Task WaitUntilGoneAsync(CancellationToken cancellationToken)
    {
        while (FindProcesses().Count > 0)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

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

    private static string Read(int processId, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{processId}/{file}").Replace('\0', '\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile, or is somebody else's.
            return "";
        }
    }

    private void OnLine(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
            _arrived.Release();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
