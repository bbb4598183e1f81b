using System.Globalization;
using LlmAspire.KillTest.Stack;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>When the Apis found PostgreSQL away, as their logs say: only then do they admit calls without asking it.</summary>
internal sealed class Outages
{
    /// <summary>The settings by which a log has one line an event, with its time.</summary>
    public static readonly IReadOnlyDictionary<string, string> LogSettings = new Dictionary<string, string>
    {
        ["Logging__Console__FormatterName"] = "simple",
        ["Logging__Console__FormatterOptions__SingleLine"] = "true",
        ["Logging__Console__FormatterOptions__UseUtcTimestamp"] = "true",
        ["Logging__Console__FormatterOptions__TimestampFormat"] = TimeFormat + " ",
    };

    private const string TimeFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";

    /// <summary>A call is made before it is found that PostgreSQL is away: <c>Usage:PostgresPatience</c> (2 s) in two batches, and a freeze within.</summary>
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(12);

    private readonly List<(DateTimeOffset From, DateTimeOffset Until)> _times = [];

    public static async Task<Outages> ReadAsync(IEnumerable<ServiceProcess> apis, CancellationToken cancellationToken)
    {
        var outages = new Outages();
        foreach (var api in apis)
        {
            DateTimeOffset? since = null;
            await foreach (var line in File.ReadLinesAsync(api.LogFile, cancellationToken))
            {
                if (line.Length < TimeFormat.Length || !DateTimeOffset.TryParse(line.AsSpan(0, TimeFormat.Length), CultureInfo.InvariantCulture, out var at))
                {
                    continue;
                }

                if (line.Contains("PostgreSQL does not answer", StringComparison.Ordinal))
                {
                    since ??= at;
                }
                else if (since is { } from && (line.Contains("PostgreSQL answers again", StringComparison.Ordinal) || line.Contains("Now listening on", StringComparison.Ordinal)))
                {
                    outages._times.Add((from - Before, at));
                    since = null;
                }
            }

            if (since is { } last)
            {
                outages._times.Add((last - Before, DateTimeOffset.MaxValue));
            }
        }

        return outages;
    }

    public bool Contain(DateTimeOffset moment) => _times.Any(time => time.From <= moment && moment <= time.Until);
}
