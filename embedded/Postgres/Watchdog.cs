using System.Diagnostics;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>
/// A small shell process that stops the server when this process is gone, however it went. It waits for the end of its
/// standard input, which the system closes even after SIGKILL.
/// </summary>
/// <remarks>Windows has no such shell: there a server that was left behind is stopped by the next start.</remarks>
internal sealed class Watchdog : IAsyncDisposable
{
    // Fork and setsid take it out of the process tree, the process group and the terminal: what ends those must not end it.
    // Each line names the server to stop, by the process id that is the first line of postmaster.pid: a later server of
    // the same cluster is not its business. While a server starts its id is not known yet.
    private const string Script = """
        exec 3<&0 </dev/null
        guard='
            trap "" INT TERM HUP
            cd /
            server=none
            while read -r line; do server=$line; done <&3
            current() { read -r pid < "$DATA/postmaster.pid" && [ "$pid" = "$server" ]; }
            case $server in
                none) exit ;;
                starting) sleep 2; "$PG_CTL" stop -D "$DATA" -m immediate ;;
                *) current && { "$PG_CTL" stop -D "$DATA" -m fast -t 20 || { current && "$PG_CTL" stop -D "$DATA" -m immediate; }; } ;;
            esac
            if [ "$REMOVE" = yes ]; then rm -rf "$DATA" "$DATA.lock"; fi
        '
        setsid=$(command -v setsid)
        DATA=$1 PG_CTL=$2 REMOVE=$3 $setsid sh -c "$guard" >/dev/null 2>&1 &
        """;

    private readonly Process _process;

    private Watchdog(Process process) => _process = process;

    /// <summary>Null on Windows.</summary>
    public static Watchdog? Start(PostgresBinaries binaries, string dataDirectory, bool throwaway, CommandRunner runner)
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        var process = Process.Start(runner.StartInfo("sh", ["-c", Script, "sh", dataDirectory, binaries.PgCtl, throwaway ? "yes" : "no"]))!;
        return new Watchdog(process);
    }

    public Task StartingAsync() => SayAsync("starting");

    public Task GuardAsync(int processId) => SayAsync($"{processId}");

    public Task StoppedAsync() => SayAsync("none");

    /// <summary>Lets the watchdog end.</summary>
    public ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        _process.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task SayAsync(string line)
    {
        await _process.StandardInput.WriteAsync($"{line}\n");
        await _process.StandardInput.FlushAsync();
    }
}
