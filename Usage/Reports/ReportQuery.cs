namespace LlmAspire.Usage;

/// <summary>The calls that a report is of.</summary>
/// <param name="From">The first moment.</param>
/// <param name="To">The first moment that is not in it.</param>
/// <param name="Zone">The IANA name of the zone that days and weeks begin in.</param>
/// <param name="AsOf">What it is pinned to, so that it gives the same figures again; null for the newest.</param>
public sealed record ReportQuery(DateTimeOffset From, DateTimeOffset To, string Zone, ReportFilter Filter, AsOf? AsOf)
{
    /// <summary>
    /// Whether roll-ups, which are of whole hours in UTC and of the present, have what it asks for. They have not in a zone that is ever off by a part of an hour.
    /// </summary>
    internal bool FitsRollups => AsOf is null && IsWholeHour(From) && IsWholeHour(To) && Offsets().All(offset => offset.Ticks % TimeSpan.TicksPerHour == 0);

    /// <summary>Whether its days are those of UTC.</summary>
    internal bool IsInUtc => Offsets().All(offset => offset == TimeSpan.Zero);

    private static bool IsWholeHour(DateTimeOffset time) => time.UtcTicks % TimeSpan.TicksPerHour == 0;

    private IEnumerable<TimeSpan> Offsets()
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById(Zone);
        for (var time = From; time <= To; time += TimeSpan.FromHours(1))
        {
            yield return zone.GetUtcOffset(time);
        }
    }
}
