using System.Globalization;

namespace LlmAspire.Web.Reports;

/// <summary>What a report is about, as the address of its page says it, so that a view can be linked.</summary>
/// <param name="Range">One of <see cref="Ranges"/>; null for <paramref name="From"/> and <paramref name="To"/>, or the usual.</param>
/// <param name="From">A date of <paramref name="Zone"/>, or an instant.</param>
/// <param name="To">The first that is not in it.</param>
/// <param name="Zone">IANA id; null for the browser's.</param>
/// <param name="AsOf">A pin; null for the newest figures.</param>
public sealed record UsageQuery(string? Range, string? From, string? To, string? Zone, string? AsOf, IReadOnlyList<UsageFilter> Filters)
{
    public const string Custom = "custom";

    private const string Usual = "30d";

    /// <summary>The ranges that have a name, with what a person calls them.</summary>
    public static IReadOnlyList<(string Name, string Label)> Ranges { get; } =
    [
        ("today", "Today"), ("7d", "Last 7 days"), (Usual, "Last 30 days"), ("90d", "Last 90 days"), ("month", "This month"), ("last-month", "Last month"), ("year", "This year"),
    ];

    /// <summary>The name of the range, or <see cref="Custom"/>.</summary>
    public string RangeName => From is not null || To is not null ? Custom : Ranges.Any(range => range.Name == Range) ? Range! : Usual;

    /// <param name="today">In the zone of the report.</param>
    public UsagePeriod PeriodOf(DateOnly today)
    {
        var tomorrow = today.AddDays(1);
        var month = new DateOnly(today.Year, today.Month, 1);
        return RangeName switch
        {
            Custom => new(From ?? Date(today.AddDays(-29)), To ?? Date(tomorrow)),
            "today" => Days(today, tomorrow),
            "7d" => Days(today.AddDays(-6), tomorrow),
            "90d" => Days(today.AddDays(-89), tomorrow),
            "month" => Days(month, tomorrow),
            "last-month" => Days(month.AddMonths(-1), month),
            "year" => Days(new DateOnly(today.Year, 1, 1), tomorrow),
            _ => Days(today.AddDays(-29), tomorrow),
        };
    }

    public UsageQuery With(UsageDimension dimension, params IEnumerable<string> values) => this with
    {
        Filters = [.. Filters.Where(filter => filter.Dimension != dimension), .. values.Select(value => new UsageFilter(dimension, value))],
    };

    public UsageQuery Without(UsageFilter filter) => this with { Filters = [.. Filters.Where(other => other != filter)] };

    /// <summary>For the address of a page.</summary>
    public IEnumerable<KeyValuePair<string, string?>> ForPage()
    {
        KeyValuePair<string, string?>[] time = [new("range", Range), new("from", From), new("to", To), new("zone", Zone), new("asOf", AsOf)];
        return [.. time.Where(pair => pair.Value is not null), .. FilterPairs()];
    }

    /// <summary>For the Api.</summary>
    public IEnumerable<KeyValuePair<string, string?>> ForApi(string scope, string zone, DateOnly today)
    {
        var (from, to) = PeriodOf(today);
        KeyValuePair<string, string?>[] pairs = [new("scope", scope), new("from", from), new("to", to), new("zone", zone), new("asOf", AsOf)];
        return [.. pairs.Where(pair => pair.Value is not null), .. FilterPairs()];
    }

    internal static string Date(DateOnly day) => day.ToString("O", CultureInfo.InvariantCulture);

    private static UsagePeriod Days(DateOnly from, DateOnly to) => new(Date(from), Date(to));

    private IEnumerable<KeyValuePair<string, string?>> FilterPairs() =>
        Filters.Select(filter => KeyValuePair.Create<string, string?>(filter.Dimension.Parameter, filter.Value));
}

/// <summary>A time, half open; both as the Api takes them.</summary>
public sealed record UsagePeriod(string From, string To);
