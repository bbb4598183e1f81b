using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>
/// The guard of Linux and macOS: a small shell process that stops the server when this process is gone. It waits for the end
/// of its standard input, which the system closes even after SIGKILL.
/// </summary>
/// <remarks>
/// It knows of each process before that process does anything: a command is started behind a gate, its id is said to the
/// watchdog, then the gate opens. A gate whose owner is gone stays shut. So the watchdog waits until the command has ended,
/// and stops the server that it may have started, at whatever moment the owner went.
/// </remarks>
[UnsupportedOSPlatform("windows")]
internal sealed class Watchdog : ServerGuard
{
    // Each line is the process id of a command that works on the cluster; an empty line says that it has ended.
    // Fork and setsid take it out of the process tree, the process group and the terminal: what ends those must not end it.
    // It keeps the standard output open to its end, by which its owner knows that it has ended.
    // What follows the first three arguments runs pg_ctl, as the user that PostgreSQL runs as.
    // Of a command that has ended the system may keep the id (nobody has fetched its exit code): 750 looks are 150 seconds.
    private const string Script = """
        exec 3<&0 </dev/null
        guard='
            trap "" INT TERM HUP
            cd /
            CLUSTER=$1 MODE=$2 REMOVE=$3; shift 3
            launched=no launch= looks=750 removals=50
            while read -r line; do launched=yes launch=$line; done <&3
            launching() { [ -n "$launch" ] && [ $((looks -= 1)) -gt 0 ] && kill -0 "$launch"; }
            while [ $launched = yes ] && { launching || "$@" status -D "$CLUSTER"; }; do
                "$@" stop -D "$CLUSTER" -m $MODE -t 20 || { "$@" status -D "$CLUSTER" && "$@" stop -D "$CLUSTER" -m immediate -t 20; }
                sleep 0.2
            done
            rm -f "$CLUSTER.password"
            # A process that lost its server writes for a moment longer.
            if [ $REMOVE = yes ]; then
                until rm -rf "$CLUSTER" "$CLUSTER.unfinished" "$CLUSTER.lock" || [ $((removals -= 1)) -eq 0 ]; do sleep 0.2; done
            fi
        '
        $(command -v setsid) sh -c "$guard" sh "$@" 4>&1 >/dev/null 2>&1 &
        echo $!
        """;

    private const string Gate = """read -r open && exec "$@" """;

    private readonly CommandRunner _runner;
    private readonly ILogger _logger;
    private readonly Process _process;
    private readonly int _processId;
    private bool _gone;

    private Watchdog(ClusterFolder folder, bool throwaway, CommandRunner runner, ILogger logger, Process process, int processId)
        : base(folder, throwaway) =>
        (_runner, _logger, _process, _processId) = (runner, logger, process, processId);

    public override int ProcessId => _processId;

    public static async Task<ServerGuard> WatchAsync(
        ClusterFolder folder, bool throwaway, PostgresBinaries binaries, CommandRunner runner, ILogger logger)
    {
        string[] arguments = [folder.Path, throwaway ? "immediate" : "fast", throwaway ? "yes" : "no", .. runner.User?.Prefix ?? [], binaries.PgCtl];

        // As this process's own user, who may delete whatever it made.
        var process = Process.Start(new CommandRunner(null).StartInfo("sh", ["-c", Script, "sh", .. arguments]))!;
        var processId = int.Parse((await process.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
        return new Watchdog(folder, throwaway, runner, logger, process, processId);
    }

    public override async Task<Process> LaunchAsync(string command, IEnumerable<string> arguments)
    {
        var process = Process.Start(_runner.StartInfo("sh", ["-c", Gate, "sh", command, .. arguments]))!;
        await SayAsync(process.Id.ToString(CultureInfo.InvariantCulture));
        try
        {
            await process.StandardInput.WriteLineAsync("open");
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before: its output and its exit code say why.
        }

        return process;
    }

    public override Task LaunchEndedAsync() => SayAsync("");

    protected override async ValueTask ReleaseAsync()
    {
        _process.StandardInput.Close();
        await _process.StandardOutput.ReadToEndAsync();
        _process.Dispose();
    }

    private async Task SayAsync(string line)
    {
        if (_gone)
        {
            return;
        }

        try
        {
            await _process.StandardInput.WriteAsync($"{line}\n");
            await _process.StandardInput.FlushAsync();
        }
        catch (IOException exception)
        {
            _gone = true;
            _logger.GuardGone(exception.Message);
        }
    }
}
