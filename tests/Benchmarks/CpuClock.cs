using System.Diagnostics;
using System.Globalization;

namespace LlmAspire.Benchmarks;

/// <summary>
/// Processor time of this process and of a PostgreSQL server with all its processes, from <c>/proc</c> (proc_pid_stat(5)): what the server's ended
/// children took is in the numbers of the server itself.
/// </summary>
internal sealed class CpuClock(int serverProcessId)
{
    // Linux on every machine that .NET runs on has 100 (getconf CLK_TCK).
    private const double TicksPerSecond = 100;

    /// <summary>Null on systems without <c>/proc</c>.</summary>
    public CpuTime? Read()
    {
        if (!Directory.Exists("/proc/self"))
        {
            return null;
        }

        using var self = Process.GetCurrentProcess();
        var server = TimeSpan.Zero;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) && ReadStat(id) is { } stat)
            {
                server += id == serverProcessId ? Seconds(stat.Own + stat.Ended) : stat.Parent == serverProcessId ? Seconds(stat.Own) : TimeSpan.Zero;
            }
        }

        return new CpuTime(self.TotalProcessorTime, server);
    }

    private static TimeSpan Seconds(long ticks) => TimeSpan.FromSeconds(ticks / TicksPerSecond);

    /// <summary>"42 (post gres) S 1 …": the name can hold anything, so the fields are counted from behind it.</summary>
    private static (int Parent, long Own, long Ended)? ReadStat(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (int.Parse(fields[1], CultureInfo.InvariantCulture), Sum(11, 12), Sum(13, 14));

            long Sum(int one, int other) => long.Parse(fields[one], CultureInfo.InvariantCulture) + long.Parse(fields[other], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile.
            return null;
        }
    }
}

/// <summary>Processor time until now.</summary>
internal sealed record CpuTime(TimeSpan Own, TimeSpan Server)
{
    public static CpuTime operator -(CpuTime later, CpuTime earlier) => new(later.Own - earlier.Own, later.Server - earlier.Server);
}
