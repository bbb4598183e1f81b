using System.ComponentModel;
using System.Diagnostics;

namespace LlmAspire.EmbeddedPostgres;

internal sealed record CommandResult(int ExitCode, string Output)
{
    /// <summary>What a missing command ends with in a shell.</summary>
    public const int NotFound = 127;
}

/// <summary>Runs commands, as <paramref name="user"/> when there is one.</summary>
internal sealed class CommandRunner(UnprivilegedUser? user)
{
    public UnprivilegedUser? User => user;

    /// <summary>Runs a command to its end; its output and errors come together.</summary>
    public async Task<CommandResult> RunAsync(
        string command, IEnumerable<string> arguments, string? input = null, CancellationToken cancellationToken = default)
    {
        using var process = new Process { StartInfo = StartInfo(command, arguments) };
        try
        {
            process.Start();
        }
        catch (Win32Exception exception)
        {
            return new CommandResult(CommandResult.NotFound, $"{command}: {exception.Message}");
        }

        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading it: its output and its exit code say why.
        }

        return await CompleteAsync(process, cancellationToken);
    }

    /// <summary>Waits for the end of a command, or ends it and what it started.</summary>
    public static async Task<CommandResult> CompleteAsync(Process process, CancellationToken cancellationToken)
    {
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return new CommandResult(process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    public async Task<bool> SucceedsAsync(string command, IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        (await RunAsync(command, arguments, cancellationToken: cancellationToken)).ExitCode == 0;

    /// <summary>How a command is started with all its streams redirected.</summary>
    public ProcessStartInfo StartInfo(string command, IEnumerable<string> arguments)
    {
        string[] line = [.. user?.Prefix ?? [], command, .. arguments];
        var start = new ProcessStartInfo(line[0], line.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            // The unprivileged user may not be allowed into the present folder.
            WorkingDirectory = user is null ? "" : "/",
        };

        // PGDATA, PGPORT and their like are the caller's, not this server's; LC_ALL keeps macOS's server single-threaded at start.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        start.Environment["LC_ALL"] = "C";
        return start;
    }
}
