using System.Diagnostics;
using System.Text;
using LlmAspire.Api.Unicode;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace LlmAspire.Api.Tools.Mcp;

/// <summary>
/// A server that is a process, over stdin and stdout. Not the SDK's own transport: that reads what the process writes as it is, and leaves a message with half a character unanswered.
/// </summary>
internal sealed class McpProcess(string name, McpServerOptions options) : IClientTransport, IAsyncDisposable
{
    private Process? _process;

    public string Name => name;

    /// <exception cref="System.ComponentModel.Win32Exception">There is no such command.</exception>
    public Task<ITransport> ConnectAsync(CancellationToken cancellationToken = default)
    {
        var process = new Process { StartInfo = CreateStartInfo() };
        process.Start();
        _process = process;
        // Read, so that the process does not wait for it; what it says there may quote what people asked for.
        process.BeginErrorReadLine();
        return new StreamClientTransport(process.StandardInput.BaseStream, new RepairedJsonStream(process.StandardOutput.BaseStream)).ConnectAsync(cancellationToken);
    }

    /// <summary>Ends the process, and those that it started.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is null)
        {
            return;
        }

        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    private ProcessStartInfo CreateStartInfo()
    {
        // What is installed by npm or pip is a script there, which only the command interpreter starts.
        var isScript = OperatingSystem.IsWindows() && !Path.GetFileName(options.Command!).Equals("cmd.exe", StringComparison.OrdinalIgnoreCase);
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        var start = new ProcessStartInfo
        {
            FileName = isScript ? "cmd.exe" : options.Command!,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
            WorkingDirectory = options.WorkingDirectory ?? Environment.CurrentDirectory,
            StandardInputEncoding = utf8,
            StandardOutputEncoding = utf8,
            StandardErrorEncoding = utf8,
        };
        foreach (var argument in isScript ? ["/c", options.Command!, .. options.Arguments] : options.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (key, value) in options.Environment)
        {
            start.Environment[key] = value;
        }

        return start;
    }
}
