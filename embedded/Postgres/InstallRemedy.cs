namespace LlmAspire.EmbeddedPostgres;

/// <summary>The one command that installs PostgreSQL.</summary>
internal static class InstallRemedy
{
    /// <summary>Package managers of Linux, and what brings initdb with them.</summary>
    private static readonly (string Program, string Arguments)[] Linux =
    [
        ("apt-get", "install -y postgresql"),
        ("dnf", "install -y postgresql-server"),
        ("zypper", "install -y postgresql-server"),
        ("pacman", "-S --noconfirm postgresql"),
        ("apk", "add postgresql"),
    ];

    public static string ForThisSystem() =>
        OperatingSystem.IsWindows() ? "Install it: winget install --exact --id PostgreSQL.PostgreSQL.17"
        : OperatingSystem.IsMacOS() ? "Install it: brew install postgresql@17"
        : ForLinux((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries), Environment.IsPrivilegedProcess);

    /// <summary>The command of the package manager that is in one of <paramref name="folders"/>.</summary>
    public static string ForLinux(IReadOnlyCollection<string> folders, bool isRoot)
    {
        var manager = Linux.FirstOrDefault(manager => folders.Any(folder => File.Exists(Path.Combine(folder, manager.Program))));
        return manager.Program is null
            ? "Install its server, or set Postgres:BinDirectory to the folder of initdb, pg_ctl and postgres."
            : $"Install it: {(isRoot ? "" : "sudo ")}{manager.Program} {manager.Arguments}";
    }
}
