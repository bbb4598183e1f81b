using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmAspire.EmbeddedPostgres.Tests;

/// <summary>The supervisor as the AppHost runs it: a process, ended in every way a process ends.</summary>
public sealed class SupervisorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task a_killed_supervisor_leaves_no_server_behind(bool wholeTree)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows stops a server that was left behind at the next start");
        await using var supervisor = SupervisorProcess.Start(_folder.Cluster);
        var server = await supervisor.WaitUntilHealthyAsync(_folder.Cluster);

        supervisor.Kill(wholeTree);

        await SupervisorProcess.WaitAsync(() => Task.FromResult(!SupervisorProcess.IsRunning(server)));
        await SupervisorProcess.WaitAsync(() => Task.FromResult(!File.Exists(Path.Combine(_folder.Cluster, "postmaster.pid"))));
    }

    [Fact]
    public async Task a_killed_owner_of_a_throw_away_cluster_leaves_nothing_at_all()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no watchdog");
        // As tests have it: right in the folder of temporary files, where nobody removes what is another user's.
        var cluster = Path.Combine(Path.GetTempPath(), $"llmaspire-test-{Guid.NewGuid():N}");
        await using var supervisor = SupervisorProcess.Start(cluster, ("Postgres__Throwaway", "true"));
        await supervisor.WaitUntilHealthyAsync(cluster);

        supervisor.Kill();

        await SupervisorProcess.WaitAsync(() => Task.FromResult(!Directory.Exists(cluster) && !File.Exists(cluster + ".lock")));
    }

    [Fact]
    public async Task a_terminated_supervisor_stops_the_server_and_ends_with_0()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there is no SIGTERM");
        await using var supervisor = SupervisorProcess.Start(_folder.Cluster);
        var server = await supervisor.WaitUntilHealthyAsync(_folder.Cluster);

        supervisor.Terminate();
        await supervisor.WaitForExitAsync();

        // Its parent is the system's first process by now, which may take a moment to notice.
        await SupervisorProcess.WaitAsync(() => Task.FromResult(!SupervisorProcess.IsRunning(server)));
        Assert.Equal(0, supervisor.ExitCode);
        Assert.Contains("PostgreSQL stopped", supervisor.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_server_that_dies_ends_its_supervisor_with_its_last_lines()
    {
        await using var supervisor = SupervisorProcess.Start(_folder.Cluster);
        using var server = Process.GetProcessById(await supervisor.WaitUntilHealthyAsync(_folder.Cluster));

        server.Kill();
        await supervisor.WaitForExitAsync();

        Assert.Equal(1, supervisor.ExitCode);
        Assert.Contains("PostgreSQL ended by itself", supervisor.Output, StringComparison.Ordinal);
        Assert.Contains("database system is ready to accept connections", supervisor.Output.Split("PostgreSQL ended by itself")[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_setup_that_cannot_work_is_one_message_and_exit_code_2()
    {
        await using var supervisor = SupervisorProcess.Start(_folder.Cluster, ("Postgres__BinDirectory", _folder.Path));

        await supervisor.WaitForExitAsync();

        Assert.Equal(2, supervisor.ExitCode);
        Assert.Contains("Postgres:BinDirectory", supervisor.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", supervisor.Output, StringComparison.Ordinal);
    }

    /// <summary>Which of the two is first is a matter of a moment.</summary>
    [Fact]
    public async Task a_setup_that_fails_before_its_host_has_started_ends_the_host_and_breaks_nothing()
    {
        var exitCode = Environment.ExitCode;
        try
        {
            var builder = WebApplication.CreateBuilder([$"--Postgres:BinDirectory={_folder.Path}", $"--Postgres:DataDirectory={_folder.Cluster}", "--urls=http://127.0.0.1:0"]);
            builder.AddPostgresSupervisor();
            builder.Services.AddHostedService<StartsAfterTheSupervisor>();
            await using var host = builder.Build();

            await host.RunAsync(TestContext.Current.CancellationToken);

            Assert.Equal(2, Environment.ExitCode);
        }
        finally
        {
            Environment.ExitCode = exitCode;
        }
    }

    private sealed class StartsAfterTheSupervisor(PostgresSupervisor supervisor) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => supervisor.ExecuteTask!;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
