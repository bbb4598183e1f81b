using System.Diagnostics;
using System.Runtime.Versioning;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmAspire.EmbeddedPostgres.Tests;

/// <summary>The owner of a cluster is killed at each moment at which it can be.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class KilledOwnerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<Moment> Moments => [.. Enum.GetValues<Moment>()];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task of_a_throw_away_cluster_nothing_is_left(Moment moment)
    {
        var installation = await InstallAsync(moment);
        // As tests have it: right in the folder of temporary files, where nobody removes what is another user's.
        var cluster = Path.Combine(Path.GetTempPath(), $"llmaspire-test-{Guid.NewGuid():N}");
        await using var owner = await StartAsync(installation, cluster, moment, ("Postgres__Throwaway", "true"));

        owner.Kill();
        await installation.WaitUntilStopIsTriedAsync();
        installation.GoOn();

        await WaitUntilNothingRunsAsync(cluster);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetTempPath(), Path.GetFileName(cluster) + "*"));
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task of_a_cluster_that_is_kept_no_process_is_left(Moment moment)
    {
        var installation = await InstallAsync(moment);
        await using var owner = await StartAsync(installation, _folder.Cluster, moment);

        owner.Kill();
        await installation.WaitUntilStopIsTriedAsync();
        installation.GoOn();

        await WaitUntilNothingRunsAsync(_folder.Cluster);
        Assert.False(File.Exists(_folder.Cluster + ".password"));
    }

    [Theory]
    [InlineData(Moment.BeforeInitDb)]
    [InlineData(Moment.BeforeServer)]
    [InlineData(Moment.BeforeStop)]
    public async Task the_next_owner_starts_at_once_and_keeps_its_server(Moment moment)
    {
        var installation = await InstallAsync(moment);
        await using var owner = await StartAsync(installation, _folder.Cluster, moment);

        owner.Kill();
        await using var next = SupervisorProcess.Start(_folder.Cluster);
        await next.WaitUntilItSaysAsync("waiting until its process");
        installation.GoOn();

        var server = await next.WaitUntilHealthyAsync(_folder.Cluster);
        Assert.Equal([server], Servers(_folder.Cluster));
    }

    [Theory]
    [InlineData(Moment.BeforeInitDb)]
    [InlineData(Moment.BeforeLaunch)]
    [InlineData(Moment.BeforeServer)]
    [InlineData(Moment.AfterLaunch)]
    public async Task an_owner_that_is_told_to_end_while_it_starts_leaves_nothing_either(Moment moment)
    {
        var installation = await InstallAsync(moment);
        await using var owner = await StartAsync(installation, _folder.Cluster, moment, ("Postgres__Throwaway", "true"));

        owner.Terminate();
        installation.GoOn();
        await owner.WaitForExitAsync();

        Assert.Equal(0, owner.ExitCode);
        await WaitUntilNothingRunsAsync(_folder.Cluster);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(_folder.Cluster)!));
    }

    private async Task<SteppedInstallation> InstallAsync(Moment moment)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs here are shell scripts");
        var runner = new CommandRunner(await UnprivilegedUser.FindAsync(TestContext.Current.CancellationToken));
        var real = await new PostgresBinaryFinder(runner, NullLogger.Instance).FindAsync(null, null, TestContext.Current.CancellationToken);
        return await SteppedInstallation.CreateAsync(_folder, real, moment);
    }

    /// <summary>Starts an owner, and has it stop where its life comes to <paramref name="moment"/> only then.</summary>
    private static async Task<SupervisorProcess> StartAsync(
        SteppedInstallation installation, string cluster, Moment moment, params (string Name, string Value)[] settings)
    {
        var owner = SupervisorProcess.Start(cluster, [("Postgres__BinDirectory", installation.BinDirectory), .. settings]);
        if (moment is Moment.BeforeStop or Moment.AfterStop)
        {
            await owner.WaitUntilHealthyAsync(cluster);
            owner.Terminate();
        }

        await installation.WaitUntilReachedAsync();
        return owner;
    }

    /// <summary>Waits until no process has the cluster's path in its command line: server, initdb, pg_ctl, watchdog.</summary>
    private static Task WaitUntilNothingRunsAsync(string cluster) =>
        SupervisorProcess.WaitAsync(() => Task.FromResult(!CommandLines().Any(line => line.Arguments.Contains(cluster, StringComparison.Ordinal))));

    private static IEnumerable<int> Servers(string cluster) => CommandLines()
        .Where(line => line.Arguments.Contains("postgres -D " + cluster, StringComparison.Ordinal) && !line.Arguments.Contains("pg_ctl", StringComparison.Ordinal))
        .Select(line => line.ProcessId);

    private static List<(int ProcessId, string Arguments)> CommandLines()
    {
        using var ps = Process.Start(new ProcessStartInfo("ps", ["-A", "-ww", "-o", "pid=,args="]) { RedirectStandardOutput = true })!;
        return [.. ps.StandardOutput.ReadToEnd()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(line => line.Split(' ', 2))
            .Select(parts => (int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture), parts[^1]))];
    }
}
