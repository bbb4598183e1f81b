using System.Globalization;
using System.Runtime.Versioning;

namespace LlmAspire.EmbeddedPostgres.Tests;

/// <summary>The moments of a server's life at which a <see cref="SteppedInstallation"/> can stop.</summary>
public enum Moment
{
    BeforeInitDb,
    AfterInitDb,
    BeforeLaunch,
    BeforeServer,
    AfterLaunch,
    BeforeStop,
    AfterStop,
}

/// <summary>The PostgreSQL of this machine behind scripts that wait at one moment until they may go on.</summary>
[UnsupportedOSPlatform("windows")]
internal sealed class SteppedInstallation
{
    private readonly string _steps;

    private SteppedInstallation(string folder) => _steps = folder;

    public string BinDirectory => Path.Combine(_steps, "bin");

    public static async Task<SteppedInstallation> CreateAsync(TemporaryFolder folder, PostgresBinaries real, Moment moment)
    {
        var stepped = new SteppedInstallation(Path.Combine(folder.Path, "steps"));
        Directory.CreateDirectory(stepped.BinDirectory);
        // The user that PostgreSQL runs as writes into it.
        File.SetUnixFileMode(stepped._steps, (UnixFileMode)0b111_111_111);
        await stepped.WriteAsync("initdb", $"""
            wait_at {Moment.BeforeInitDb}
            {real.InitDb} "$@" || exit
            wait_at {Moment.AfterInitDb}
            """, moment);
        await stepped.WriteAsync("pg_ctl", $"""
            case $1 in
                start)
                    wait_at {Moment.BeforeLaunch}
                    {real.PgCtl} "$@" -p '{stepped.BinDirectory}/postgres' || exit
                    wait_at {Moment.AfterLaunch} ;;
                stop)
                    : > '{stepped._steps}/stop-tried'
                    wait_at {Moment.BeforeStop}
                    {real.PgCtl} "$@" || exit
                    wait_at {Moment.AfterStop} ;;
                *) exec {real.PgCtl} "$@" ;;
            esac
            """, moment);
        await stepped.WriteAsync("postgres", $"""
            [ "$1" = -D ] && wait_at {Moment.BeforeServer}
            exec {real.Postgres} "$@"
            """, moment);
        return stepped;
    }

    /// <summary>Waits until it waits.</summary>
    public Task WaitUntilReachedAsync() => SupervisorProcess.WaitAsync(() => Task.FromResult(File.Exists(Path.Combine(_steps, "reached"))));

    /// <summary>Waits until somebody tried to stop the server, which may not have started yet.</summary>
    public Task WaitUntilStopIsTriedAsync() => SupervisorProcess.WaitAsync(() => Task.FromResult(File.Exists(Path.Combine(_steps, "stop-tried"))));

    /// <summary>Lets it go on.</summary>
    public void GoOn() => File.WriteAllText(Path.Combine(_steps, "go-on"), "");

    private async Task WriteAsync(string program, string body, Moment moment)
    {
        var file = Path.Combine(BinDirectory, program);
        await File.WriteAllTextAsync(
            file,
            string.Create(CultureInfo.InvariantCulture, $$"""
            #!/bin/sh
            wait_at() {
                if [ $1 = {{moment}} ]; then
                    : > '{{_steps}}/reached'
                    until [ -e '{{_steps}}/go-on' ]; do sleep 0.02; done
                fi
            }
            {{body}}
            """),
            TestContext.Current.CancellationToken);
        File.SetUnixFileMode(file, (UnixFileMode)0b111_101_101);
    }
}
