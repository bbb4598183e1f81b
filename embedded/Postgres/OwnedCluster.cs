namespace LlmAspire.EmbeddedPostgres;

/// <summary>A cluster that this process owns: made when there was none, locked against others, guarded to the end of this process.</summary>
internal sealed class OwnedCluster : IAsyncDisposable
{
    private readonly ClusterLock _lock;

    private OwnedCluster(ClusterFolder folder, PostgresBinaries binaries, CommandRunner runner, ServerGuard guard, ClusterLock clusterLock)
    {
        Folder = folder;
        Binaries = binaries;
        Runner = runner;
        Guard = guard;
        _lock = clusterLock;
    }

    public ClusterFolder Folder { get; }

    /// <summary>The installation that fits the cluster.</summary>
    public PostgresBinaries Binaries { get; }

    /// <summary>Runs commands as the user that owns the cluster's files.</summary>
    public CommandRunner Runner { get; }

    public ServerGuard Guard { get; }

    /// <exception cref="PostgresSetupException">When the user has to do something first; the message says what.</exception>
    public static async Task<OwnedCluster> OpenAsync(PostgresServerOptions options, ILogger logger, CancellationToken cancellationToken)
    {
        var runner = new CommandRunner(await UnprivilegedUser.FindAsync(cancellationToken));
        var folder = await ClusterFolder.ChooseAsync(options.DataDirectory, runner, logger, cancellationToken);
        try
        {
            var binaries = await new PostgresBinaryFinder(runner, logger).FindAsync(options.BinDirectory, folder.MajorVersion, cancellationToken);
            logger.ChoseBinaries(binaries.Version, binaries.BinDirectory, binaries.Why, runner.User?.Name ?? Environment.UserName);

            // Before anything is made, so that nothing is left of what is thrown away.
            var guard = await ServerGuard.StartAsync(folder, options.Throwaway, binaries, runner, logger);
            try
            {
                return await LockAsync(folder, options, binaries, runner, guard, logger, cancellationToken);
            }
            catch
            {
                await guard.DisposeAsync();
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PostgresSetupException($"The cluster '{folder.Path}' cannot be used: {exception.Message}", exception);
        }
    }

    /// <summary>Removes the cluster if it is thrown away, and releases it. Its server has stopped.</summary>
    public async ValueTask DisposeAsync()
    {
        await Guard.DisposeAsync();
        await _lock.DisposeAsync();
    }

    private static async Task<OwnedCluster> LockAsync(
        ClusterFolder folder, PostgresServerOptions options, PostgresBinaries binaries, CommandRunner runner, ServerGuard guard, ILogger logger, CancellationToken cancellationToken)
    {
        var clusterLock = await ClusterLock.AcquireAsync(folder, options.Throwaway, guard.ProcessId, logger, cancellationToken);
        try
        {
            await folder.MakeAsync(runner, cancellationToken);
            if (folder.MajorVersion is null)
            {
                await ClusterMaker.MakeAsync(folder, options, runner, binaries, guard, cancellationToken);
                logger.MadeCluster(folder.Path);
            }

            return new OwnedCluster(folder, binaries, runner, guard, clusterLock);
        }
        catch
        {
            await clusterLock.DisposeAsync();
            throw;
        }
    }
}
