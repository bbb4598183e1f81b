using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>
/// The lock that makes one process the owner of a cluster. The system releases it when the process ends, however it ends.
/// Its file names the guard that then stops the server: the next owner waits for that one.
/// </summary>
internal sealed class ClusterLock : IAsyncDisposable
{
    /// <summary>How long a guard stops a server at the longest. After that its number is taken for another process's.</summary>
    private static readonly TimeSpan GuardPatience = TimeSpan.FromMinutes(1);

    private readonly FileStream _file;

    private ClusterLock(FileStream file) => _file = file;

    /// <exception cref="PostgresSetupException">When another process is the owner, or the file cannot be made.</exception>
    public static async Task<ClusterLock> AcquireAsync(
        ClusterFolder folder, bool throwaway, int guardProcessId, ILogger logger, CancellationToken cancellationToken)
    {
        var file = Open(folder, throwaway);
        try
        {
            await WaitForEarlierGuardAsync(file, logger, cancellationToken);
            file.SetLength(0);
            await file.WriteAsync(Encoding.ASCII.GetBytes(guardProcessId.ToString(CultureInfo.InvariantCulture)), cancellationToken);
            await file.FlushAsync(cancellationToken);
            return new ClusterLock(file);
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    /// <summary>Releases the lock. The guard has ended: nobody has to wait for it.</summary>
    public async ValueTask DisposeAsync()
    {
        _file.SetLength(0);
        await _file.DisposeAsync();
    }

    private static FileStream Open(ClusterFolder folder, bool throwaway)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder.LockFile)!);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw ClusterFolder.CannotBeMade(folder.Path, exception);
        }

        try
        {
            return new FileStream(
                folder.LockFile, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, throwaway ? FileOptions.DeleteOnClose : FileOptions.None);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw ClusterFolder.CannotBeMade(folder.Path, exception);
        }
        catch (IOException exception)
        {
            throw new PostgresSetupException(
                $"Another process runs the cluster '{folder.Path}'. Stop that one first, or set Postgres:DataDirectory. ({exception.Message})", exception);
        }
    }

    private static async Task WaitForEarlierGuardAsync(FileStream file, ILogger logger, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(file, Encoding.ASCII, leaveOpen: true);
        if (!int.TryParse(await reader.ReadToEndAsync(cancellationToken), CultureInfo.InvariantCulture, out var processId) || processId <= 0)
        {
            return;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(GuardPatience);
        try
        {
            using var guard = Process.GetProcessById(processId);
            logger.WaitingForGuard(processId);
            await guard.WaitForExitAsync(patience.Token);
        }
        catch (ArgumentException)
        {
            // It has ended.
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It is another process by now. A server that is left is stopped by its own file.
        }
    }
}
