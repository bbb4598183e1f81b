using System.Globalization;

namespace LlmAspire.Web.Reports;

/// <summary>A part of a report's time, as the Api groups by it.</summary>
/// <param name="Key">The Api's key.</param>
/// <param name="Label">For a table.</param>
/// <param name="AxisLabel">For an axis.</param>
/// <param name="Period">What it covers, for the calls of it.</param>
public sealed record TimeBucket(string Key, string Label, string AxisLabel, UsagePeriod Period);

/// <summary>How a report's time is divided for a chart, so that there are neither too many bars nor too few.</summary>
/// <param name="Group">What the Api groups by.</param>
/// <param name="All">In order, also those in which nothing was used.</param>
public sealed record TimeBuckets(string Group, IReadOnlyList<TimeBucket> All)
{
    private const string HourKey = "yyyy-MM-dd'T'HH:mm:sszzz";

    public static TimeBuckets Of(UsagePeriod period, TimeZoneInfo zone)
    {
        var (from, to) = (Start(period.From, zone), Start(period.To, zone));
        var firstDay = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(from, zone).DateTime);
        var days = to <= from ? [] : Enumerable.Range(0, Math.Min(4000, 1 + DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(to.AddTicks(-1), zone).DateTime).DayNumber - firstDay.DayNumber))
            .Select(firstDay.AddDays).ToList();
        return days.Count switch
        {
            <= 2 => new("hour", [.. Hours(from, to, zone)]),
            <= 92 => new("day", [.. days.Select(day => Bucket(day, day.AddDays(1), "ddd d MMM yyyy", "d MMM"))]),
            <= 366 => new("week", [.. days.Select(Monday).Distinct().Select(day => Bucket(day, day.AddDays(7), "'week of' d MMM yyyy", "d MMM"))]),
            _ => new("month", [.. days.Select(day => new DateOnly(day.Year, day.Month, 1)).Distinct().Select(day => Bucket(day, day.AddMonths(1), "MMMM yyyy", "MMM yy"))]),
        };

        // The first and the last week or month may be cut.
        TimeBucket Bucket(DateOnly first, DateOnly next, string label, string shortLabel) => new(
            UsageQuery.Date(first),
            first.ToString(label, CultureInfo.InvariantCulture),
            first.ToString(shortLabel, CultureInfo.InvariantCulture),
            new(
                first < firstDay ? period.From : UsageQuery.Date(first),
                Start(UsageQuery.Date(next), zone) > to ? period.To : UsageQuery.Date(next)));
    }

    /// <summary>The instant of a date, at its start in a zone, or of an instant.</summary>
    internal static DateTimeOffset Start(string time, TimeZoneInfo zone)
    {
        if (DateOnly.TryParseExact(time, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            var start = day.ToDateTime(TimeOnly.MinValue);
            while (zone.IsInvalidTime(start))
            {
                start = start.AddMinutes(15); // the clocks go forward at midnight
            }

            return new DateTimeOffset(start, zone.IsAmbiguousTime(start) ? zone.GetAmbiguousTimeOffsets(start).Max() : zone.GetUtcOffset(start));
        }

        return DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant) ? instant : DateTimeOffset.UnixEpoch;
    }

    private static IEnumerable<TimeBucket> Hours(DateTimeOffset from, DateTimeOffset to, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(from, zone);
        for (var hour = from.AddTicks(-(local.Ticks % TimeSpan.TicksPerHour)); hour < to; hour = hour.AddHours(1))
        {
            var start = TimeZoneInfo.ConvertTime(hour, zone);
            yield return new(
                start.ToString(HourKey, CultureInfo.InvariantCulture),
                start.ToString("d MMM HH:mm", CultureInfo.InvariantCulture),
                start.ToString("HH:mm", CultureInfo.InvariantCulture),
                new(Instant(hour < from ? from : hour), Instant(hour.AddHours(1) < to ? hour.AddHours(1) : to)));
        }

        string Instant(DateTimeOffset time) => TimeZoneInfo.ConvertTime(time, zone).ToString(HourKey, CultureInfo.InvariantCulture);
    }

    private static DateOnly Monday(DateOnly day) => day.AddDays(-(((int)day.DayOfWeek + 6) % 7));
}
