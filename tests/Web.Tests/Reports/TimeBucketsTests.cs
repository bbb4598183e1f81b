using System.Globalization;
using LlmAspire.Web.Reports;

namespace LlmAspire.Web.Tests.Reports;

public sealed class TimeBucketsTests
{
    [Fact]
    public void days_without_usage_have_a_place_too()
    {
        var buckets = TimeBuckets.Of(new UsagePeriod("2026-10-25", "2026-11-24"), BrowserZone.Find("Europe/Berlin"));

        Assert.Equal("day", buckets.Group);
        Assert.Equal(30, buckets.All.Count);
        Assert.Equal(("2026-10-25", new UsagePeriod("2026-10-25", "2026-10-26")), (buckets.All[0].Key, buckets.All[0].Period));
        Assert.Equal("2026-11-23", buckets.All[^1].Key);
    }

    [Theory]
    [InlineData("Europe/Berlin", "2026-10-25", 25, "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00")]
    [InlineData("Europe/Berlin", "2026-03-29", 23, "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00")]
    [InlineData("Asia/Kolkata", "2026-11-23", 24, "2026-11-23T02:00:00+05:30", "2026-11-23T03:00:00+05:30")]
    [InlineData("Pacific/Chatham", "2026-11-23", 24, "2026-11-23T02:00:00+13:45", "2026-11-23T03:00:00+13:45")]
    public void a_day_has_the_hours_that_its_zone_gives_it(string zone, string day, int hours, string third, string next)
    {
        var after = DateOnly.Parse(day, CultureInfo.InvariantCulture).AddDays(1);
        var buckets = TimeBuckets.Of(new UsagePeriod(day, UsageQuery.Date(after)), BrowserZone.Find(zone));

        Assert.Equal("hour", buckets.Group);
        Assert.Equal(hours, buckets.All.Count);
        var at = buckets.All.Select(bucket => bucket.Key).ToList().IndexOf(third);
        Assert.True(at > 0);
        Assert.Equal(next, buckets.All[at + 1].Key);
        Assert.Equal(new UsagePeriod(third, next), buckets.All[at].Period);
    }

    [Fact]
    public void the_first_and_the_last_week_are_no_longer_than_the_report()
    {
        var buckets = TimeBuckets.Of(new UsagePeriod("2026-01-01", "2026-11-24"), TimeZoneInfo.Utc);

        Assert.Equal("week", buckets.Group);
        Assert.Equal("2025-12-29", buckets.All[0].Key); // the Monday
        Assert.Equal(new UsagePeriod("2026-01-01", "2026-01-05"), buckets.All[0].Period);
        Assert.Equal(new UsagePeriod("2026-11-23", "2026-11-24"), buckets.All[^1].Period);
    }

    [Fact]
    public void several_years_are_divided_by_month() =>
        Assert.Equal(("month", 24), (TimeBuckets.Of(new UsagePeriod("2025-01-01", "2027-01-01"), TimeZoneInfo.Utc) is var buckets ? buckets.Group : "", buckets.All.Count));

    [Theory]
    [InlineData("2026-11-24", "2026-11-20")]
    [InlineData("nonsense", "more nonsense")]
    public void what_is_no_time_is_no_error(string from, string to) => Assert.Empty(TimeBuckets.Of(new UsagePeriod(from, to), TimeZoneInfo.Utc).All);

    [Theory]
    [InlineData(null, "2026-10-25", "2026-11-24")]
    [InlineData("today", "2026-11-23", "2026-11-24")]
    [InlineData("month", "2026-11-01", "2026-11-24")]
    [InlineData("last-month", "2026-10-01", "2026-11-01")]
    [InlineData("year", "2026-01-01", "2026-11-24")]
    [InlineData("no such range", "2026-10-25", "2026-11-24")]
    public void a_range_has_its_days(string? range, string from, string to) =>
        Assert.Equal(new UsagePeriod(from, to), new UsageQuery(range, null, null, null, null, []).PeriodOf(new DateOnly(2026, 11, 23)));
}
