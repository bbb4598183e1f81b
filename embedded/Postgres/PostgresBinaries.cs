using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>A PostgreSQL installation that can make and run a cluster.</summary>
/// <param name="BinDirectory">The folder of <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>.</param>
/// <param name="Version">The full version, such as <c>15.18</c>.</param>
/// <param name="Major">The version of its clusters' format.</param>
/// <param name="Why">Where it was found.</param>
internal sealed partial record PostgresBinaries(string BinDirectory, string Version, int Major, string Why)
{
    private static readonly string[] Programs = ["initdb", "pg_ctl", "postgres"];

    public string InitDb => Program("initdb");

    public string PgCtl => Program("pg_ctl");

    public string Postgres => Program("postgres");

    private string Program(string name) => Path.Combine(BinDirectory, FileName(name));

    /// <summary>The installation in <paramref name="folder"/>; null when it is not complete or <paramref name="runner"/> cannot run it.</summary>
    public static async Task<PostgresBinaries?> ProbeAsync(string folder, string why, CommandRunner runner, CancellationToken cancellationToken)
    {
        if (!Programs.All(program => File.Exists(Path.Combine(folder, FileName(program)))))
        {
            return null;
        }

        // A link on PATH leads to the folder with all the rest of the installation.
        var postgres = new FileInfo(Path.Combine(folder, FileName("postgres")));
        folder = (postgres.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? postgres).DirectoryName!;

        // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
        var version = await runner.RunAsync(Path.Combine(folder, FileName("postgres")), ["--version"], cancellationToken: cancellationToken);
        var match = VersionPattern().Match(version.Output);
        return version.ExitCode == 0 && match.Success
            ? new PostgresBinaries(folder, match.Groups[1].Value, int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture), why)
            : null;
    }

    private static string FileName(string program) => OperatingSystem.IsWindows() ? program + ".exe" : program;

    [GeneratedRegex(@"PostgreSQL\) ((\d+)\S*)")]
    private static partial Regex VersionPattern();
}
