namespace LlmAspire.Web.Reports;

/// <summary>Addresses within a report: each is one that can be linked, opened again, and understood.</summary>
/// <param name="Zone">The one of the report, also when it came from the browser.</param>
public sealed record UsageLinks(string Scope, UsageQuery Query, string Zone)
{
    public const string CallsPath = "/usage/calls";
    public const string ExportPath = "/usage/export";

    public string Report => ReportOf(Query);

    public string ReportOf(UsageQuery query) => PathOf(Scope) + QueryString.Create(query.ForPage());

    /// <summary>The same report, with the same figures, whatever is recorded or priced later.</summary>
    public string Pinned(string asOf, DateOnly today)
    {
        var (from, to) = Query.PeriodOf(today);
        return ReportOf(Query with { Range = null, From = from, To = to, Zone = Zone, AsOf = asOf });
    }

    public string Calls(UsageQuery query) => CallsPath + QueryString.Create(ForCalls(query));

    public string CallsOf(UsageDimension dimension, params IEnumerable<string?> values) => Calls(With(Query, dimension, values));

    /// <summary>The calls of a part of a chart.</summary>
    public string CallsOf(TimeBucket bucket, UsageSeries? series)
    {
        var (from, to) = bucket.Period;
        var query = Query with { Range = null, From = from, To = to };
        return Calls(series is null ? query : With(query, UsageDimension.Model, series.Models));
    }

    public string Call(Guid id, UsageQuery query) => $"{CallsPath}/{id}{QueryString.Create(ForCalls(query))}";

    /// <param name="today">In the zone of the report: the file is of the days that the page shows.</param>
    public string Export(string format, DateOnly today) =>
        ExportPath + QueryString.Create([.. Query.ForApi(Scope, Zone, today), new KeyValuePair<string, string?>("format", format)]);

    private static string PathOf(string scope) => scope switch
    {
        UsageScope.Organisation => OrganisationUsagePage.Path,
        UsageScope.All => OperatorUsagePage.Path,
        _ => UsagePage.Path,
    };

    private static UsageQuery With(UsageQuery query, UsageDimension dimension, IEnumerable<string?> values)
    {
        // What is unknown cannot be asked for.
        var known = values.OfType<string>().ToList();
        return known.Count == 0 ? query : query.With(dimension, known);
    }

    private IEnumerable<KeyValuePair<string, string?>> ForCalls(UsageQuery query) =>
        [new("scope", Scope), .. (query with { Zone = Zone }).ForPage()];
}
