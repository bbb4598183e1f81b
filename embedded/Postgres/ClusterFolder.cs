using System.Security.Cryptography;
using System.Text;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>Finds the place for a cluster that the user PostgreSQL runs as can reach.</summary>
internal static class ClusterFolder
{
    /// <summary>Where root keeps what the unprivileged user has to reach.</summary>
    public static readonly string ReachableParent = Directory.Exists("/var/lib") ? "/var/lib/llmaspire" : "/var/tmp/llmaspire";

    /// <summary>Makes <paramref name="wanted"/>, or the place that stands in for it, an accessible folder with mode 0700.</summary>
    /// <returns>The folder to use: the same for the same <paramref name="wanted"/> each time.</returns>
    /// <exception cref="PostgresSetupException">When the folder cannot be used.</exception>
    public static async Task<string> PrepareAsync(string wanted, CommandRunner runner, ILogger logger, CancellationToken cancellationToken)
    {
        wanted = Path.TrimEndingDirectorySeparator(Path.GetFullPath(wanted));
        if (runner.User is null || await IsReachableAsync(wanted, runner, cancellationToken))
        {
            await MakeAsync(wanted, runner, cancellationToken);
            return wanted;
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(wanted)))[..16];
        var instead = Path.Combine(ReachableParent, hash);
        logger.FolderOutOfReach(wanted, runner.User.Name, instead);
        await MakeAsync(instead, runner, cancellationToken);
        return instead;
    }

    /// <summary>The version of PostgreSQL that made the cluster in <paramref name="folder"/>; null when there is none.</summary>
    public static int? MajorVersion(string folder)
    {
        var file = Path.Combine(folder, "PG_VERSION");
        return File.Exists(file) && int.TryParse(File.ReadAllText(file), out var major) ? major : null;
    }

    /// <summary>Makes a folder that only the user PostgreSQL runs as can enter.</summary>
    public static async Task MakeAsync(string folder, CommandRunner runner, CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(folder);
            // Its owner and mode are about to change: not those of a folder that is something else.
            if (MajorVersion(folder) is null && Directory.EnumerateFileSystemEntries(folder).Any())
            {
                throw new PostgresSetupException(
                    $"'{folder}' is not empty and holds no PostgreSQL cluster. Set Postgres:DataDirectory to a folder of its own.");
            }

            if (runner.User is { } user && !await AccessibleAsync(folder, runner, cancellationToken))
            {
                if (MajorVersion(folder) is not null)
                {
                    throw new PostgresSetupException(
                        $"The cluster in '{folder}' belongs to a user other than '{user.Name}'. Run this as that user, or move the folder away.");
                }

                await new CommandRunner(null).RunAsync("chown", [user.Name, folder], cancellationToken: cancellationToken);
            }

            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PostgresSetupException($"The cluster folder '{folder}' cannot be made: {exception.Message}", exception);
        }

        if (!OperatingSystem.IsWindows() && !await AccessibleAsync(folder, runner, cancellationToken))
        {
            throw new PostgresSetupException($"The cluster folder '{folder}' cannot be entered and written by the user that PostgreSQL runs as.");
        }
    }

    private static async Task<bool> IsReachableAsync(string folder, CommandRunner runner, CancellationToken cancellationToken)
    {
        var ancestor = folder;
        while (!Directory.Exists(ancestor))
        {
            ancestor = Path.GetDirectoryName(ancestor)!;
        }

        // The folder itself may still be root's: it will be handed over. What lies above it stays as it is.
        ancestor = ancestor == folder ? Path.GetDirectoryName(folder) ?? folder : ancestor;
        return await runner.SucceedsAsync("test", ["-x", ancestor], cancellationToken);
    }

    private static Task<bool> AccessibleAsync(string folder, CommandRunner runner, CancellationToken cancellationToken) =>
        runner.SucceedsAsync("test", ["-w", folder, "-a", "-x", folder], cancellationToken);
}
