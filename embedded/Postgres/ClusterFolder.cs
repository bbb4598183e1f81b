using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>The folder of a cluster, and the files beside it that belong to it.</summary>
internal sealed record ClusterFolder
{
    /// <summary>Where root keeps what the unprivileged user has to reach.</summary>
    public static readonly string ReachableParent = Directory.Exists("/var/lib") ? "/var/lib/llmaspire" : "/var/tmp/llmaspire";

    public ClusterFolder(string path) => Path = path;

    public string Path { get; }

    /// <summary>Locked by the process that owns the cluster.</summary>
    public string LockFile => Path + ".lock";

    /// <summary>Where the cluster is made before it is moved to its place.</summary>
    public string Unfinished => Path + ".unfinished";

    /// <summary>Holds the superuser's password while the cluster is made.</summary>
    public string PasswordFile => Path + ".password";

    /// <summary>Everything that belongs to the cluster; the lock is the last.</summary>
    public IReadOnlyList<string> Files => [Path, Unfinished, PasswordFile, LockFile];

    /// <summary>The version of PostgreSQL that made the cluster; null when there is none.</summary>
    public int? MajorVersion
    {
        get
        {
            var file = System.IO.Path.Combine(Path, "PG_VERSION");
            return File.Exists(file) && int.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var major) ? major : null;
        }
    }

    /// <summary>Finds the place for a cluster that the user PostgreSQL runs as can reach. Makes nothing.</summary>
    /// <returns>The same for the same <paramref name="wanted"/> each time.</returns>
    public static async Task<ClusterFolder> ChooseAsync(string wanted, CommandRunner runner, ILogger logger, CancellationToken cancellationToken)
    {
        wanted = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(wanted));
        if (runner.User is null || await IsReachableAsync(wanted, runner, cancellationToken))
        {
            return new ClusterFolder(wanted);
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(wanted)))[..16];
        var instead = System.IO.Path.Combine(ReachableParent, hash);
        logger.FolderOutOfReach(wanted, runner.User.Name, instead);
        return new ClusterFolder(instead);
    }

    /// <summary>Makes the folder, with mode 0700, for the user that PostgreSQL runs as.</summary>
    /// <exception cref="PostgresSetupException">When the folder cannot be used.</exception>
    public Task MakeAsync(CommandRunner runner, CancellationToken cancellationToken) => MakeAsync(Path, runner, cancellationToken);

    /// <summary>Makes <see cref="Unfinished"/> anew, likewise.</summary>
    public Task MakeUnfinishedAsync(CommandRunner runner, CancellationToken cancellationToken)
    {
        if (Directory.Exists(Unfinished))
        {
            Directory.Delete(Unfinished, recursive: true);
        }

        return MakeAsync(Unfinished, runner, cancellationToken);
    }

    /// <summary>Moves the cluster that was made to its place.</summary>
    public void TakeUnfinished()
    {
        Directory.Delete(Path);
        Directory.Move(Unfinished, Path);
    }

    /// <summary>Deletes whatever is there.</summary>
    public void Delete()
    {
        foreach (var folder in (string[])[Path, Unfinished])
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        // The lock deletes itself: on Windows nobody else can while it is open.
        File.Delete(PasswordFile);
    }

    private static async Task MakeAsync(string path, CommandRunner runner, CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(path);
            var isCluster = new ClusterFolder(path).MajorVersion is not null;

            // Its owner and mode are about to change: not those of a folder that is something else.
            if (!isCluster && Directory.EnumerateFileSystemEntries(path).Any())
            {
                throw new PostgresSetupException(
                    $"'{path}' is not empty and holds no PostgreSQL cluster. Set Postgres:DataDirectory to a folder of its own.");
            }

            if (runner.User is { } user && !await AccessibleAsync(path, runner, cancellationToken))
            {
                if (isCluster)
                {
                    throw new PostgresSetupException(
                        $"The cluster in '{path}' belongs to a user other than '{user.Name}'. Run this as that user, or move the folder away.");
                }

                await new CommandRunner(null).RunAsync("chown", [user.Name, path], cancellationToken: cancellationToken);
            }

            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CannotBeMade(path, exception);
        }

        if (!OperatingSystem.IsWindows() && !await AccessibleAsync(path, runner, cancellationToken))
        {
            throw new PostgresSetupException($"The cluster folder '{path}' cannot be entered and written by the user that PostgreSQL runs as.");
        }
    }

    /// <summary>What is wrong, and what to do.</summary>
    public static PostgresSetupException CannotBeMade(string path, Exception exception) =>
        new($"The cluster folder '{path}' cannot be made: {exception.Message} Set Postgres:DataDirectory to a folder that can be written.", exception);

    private static async Task<bool> IsReachableAsync(string folder, CommandRunner runner, CancellationToken cancellationToken)
    {
        var ancestor = folder;
        while (!Directory.Exists(ancestor))
        {
            ancestor = System.IO.Path.GetDirectoryName(ancestor)!;
        }

        // The folder itself may still be root's: it will be handed over. What lies above it stays as it is.
        ancestor = ancestor == folder ? System.IO.Path.GetDirectoryName(folder) ?? folder : ancestor;
        return await runner.SucceedsAsync("test", ["-x", ancestor], cancellationToken);
    }

    private static Task<bool> AccessibleAsync(string folder, CommandRunner runner, CancellationToken cancellationToken) =>
        runner.SucceedsAsync("test", ["-w", folder, "-a", "-x", folder], cancellationToken);
}
