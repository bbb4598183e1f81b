using System.Diagnostics;

namespace Aspire.Hosting.Orchestration;

/// <summary>
/// Ends the processes of the application when the AppHost is killed and cannot do it itself: a shell that knows their ids
/// and reads from a pipe, which ends when the AppHost does, however it ends.
/// </summary>
/// <remarks>Where there is no POSIX shell (Windows) an AppHost that is killed leaves its processes behind.</remarks>
internal sealed class ProcessGuard : IDisposable
{
    // The last one started depends on the others: it goes first, and gets 10 s before it is killed.
    private const string Script = """
        trap '' INT TERM HUP
        pids=
        while read -r line; do
          [ "$line" = done ] && exit 0
          pids="$line $pids"
        done
        for pid in $pids; do
          kill -TERM "$pid" 2>/dev/null || continue
          tenths=0
          while kill -0 "$pid" 2>/dev/null && [ "$tenths" -lt 100 ]; do sleep 0.1; tenths=$((tenths + 1)); done
          kill -KILL "$pid" 2>/dev/null
        done
        """;

    private readonly Process? _shell;

    public ProcessGuard()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var start = new ProcessStartInfo { FileName = "/bin/sh", RedirectStandardInput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Script);
        _shell = Process.Start(start);
    }

    /// <summary>Has the process ended when the AppHost ends.</summary>
    public void Watch(int processId)
    {
        if (_shell is not null)
        {
            lock (_shell)
            {
                _shell.StandardInput.WriteLine(processId);
                _shell.StandardInput.Flush();
            }
        }
    }

    /// <summary>The processes have been stopped in order: there is nothing to guard.</summary>
    public void Dispose()
    {
        if (_shell is not null)
        {
            _shell.StandardInput.WriteLine("done");
            _shell.StandardInput.Close();
            _shell.WaitForExit();
            _shell.Dispose();
        }
    }
}
