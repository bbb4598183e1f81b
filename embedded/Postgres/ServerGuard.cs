using System.Diagnostics;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>
/// Sees to it that no process of the server lives longer than this process, however this one ends, and that a cluster that
/// is thrown away is removed. The two kinds differ in how the system tells them that this process is gone.
/// </summary>
internal abstract class ServerGuard(ClusterFolder folder, bool throwaway) : IAsyncDisposable
{
    /// <summary>The process that cleans up when this one is killed; 0 when the system itself does it.</summary>
    public virtual int ProcessId => 0;

    /// <summary>Starts the guard, which has nothing to stop until something is launched.</summary>
    /// <param name="folder">The cluster. One that is thrown away must not be there yet: the guard removes whatever it finds.</param>
    /// <param name="throwaway">True removes the cluster at the end.</param>
    public static async Task<ServerGuard> StartAsync(
        ClusterFolder folder, bool throwaway, PostgresBinaries binaries, CommandRunner runner, ILogger logger)
    {
        if (throwaway && folder.Files.FirstOrDefault(Path.Exists) is { } present)
        {
            throw new PostgresSetupException(
                $"Postgres:Throwaway deletes the cluster at the end, and '{present}' is there already. Set Postgres:DataDirectory to a folder that does not exist.");
        }

        return OperatingSystem.IsWindows()
            ? new KillOnCloseJob(folder, throwaway, runner, logger)
            : await Watchdog.WatchAsync(folder, throwaway, binaries, runner, logger);
    }

    /// <summary>Starts a command that works on the cluster or starts its server. Its input is at its end; its output is redirected.</summary>
    public abstract Task<Process> LaunchAsync(string command, IEnumerable<string> arguments);

    /// <summary>Is called when the command that was launched last has ended. A server that it started stays guarded.</summary>
    public virtual Task LaunchEndedAsync() => Task.CompletedTask;

    /// <summary>Ends the guard and removes a cluster that is thrown away. The server has stopped before.</summary>
    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync();
        if (throwaway)
        {
            folder.Delete();
        }
    }

    protected virtual ValueTask ReleaseAsync() => ValueTask.CompletedTask;
}
