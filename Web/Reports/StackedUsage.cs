namespace LlmAspire.Web.Reports;

/// <summary>A series of a stacked chart: a model, or all the others together.</summary>
/// <param name="Models">Null among them where the ledger does not know.</param>
/// <param name="Colour">The number of its colour; <see cref="StackedUsage.Others"/> for the others.</param>
public sealed record UsageSeries(string Name, IReadOnlyList<string?> Models, int Colour);

/// <summary>Sums by time and model, for charts with a few series and for the tables beside them.</summary>
public sealed class StackedUsage
{
    /// <summary>The colour of what has none of its own.</summary>
    public const int Others = 0;

    private const int FewestSeries = 6;

    /// <summary>As many as there are colours: seven, and again hatched.</summary>
    private const int MostSeries = 14;

    /// <summary>Others that have no more of all tokens, and of the cost, are no part that anybody wonders about.</summary>
    private const decimal Few = 0.2m;

    private readonly Dictionary<(string Bucket, string? Model), UsageRow> _rows;

    /// <param name="summary">Grouped by <see cref="TimeBuckets.Group"/> and model.</param>
    public StackedUsage(UsageSummary summary, TimeBuckets buckets)
    {
        _rows = summary.Rows.Where(row => row.Keys[0] is not null).ToDictionary(row => (row.Keys[0]!, row.Keys[1]));
        Buckets = buckets.All;
        var (tokens, cost) = (Math.Max(1m, summary.Rows.Sum(row => row.TotalTokens)), summary.Rows.Sum(row => row.CostUsd));
        // A model of few tokens that cost much is one to see.
        var used = summary.Rows.GroupBy(row => row.Keys[1])
            .Select(model => (Name: model.Key, OfTokens: model.Sum(row => row.TotalTokens) / tokens, OfCost: cost == 0 ? 0 : model.Sum(row => row.CostUsd) / cost))
            .OrderByDescending(model => Math.Max(model.OfTokens, model.OfCost)).ThenBy(model => model.Name, StringComparer.Ordinal).ToList();
        var own = Math.Min(FewestSeries, used.Count);
        while (own < Math.Min(MostSeries, used.Count) && (used.Skip(own).Sum(model => model.OfTokens) > Few || used.Skip(own).Sum(model => model.OfCost) > Few))
        {
            own++;
        }

        // One other is itself.
        own = own == used.Count - 1 && own < MostSeries ? used.Count : own;
        List<string?> models = [.. used.Select(model => model.Name)];
        Series = [.. models.Take(own).Select((model, i) => new UsageSeries(model ?? UsageWords.Unknown, [model], i + 1))];
        if (own < models.Count)
        {
            Series = [.. Series, new UsageSeries($"{models.Count - own} others", models[own..], Others)];
        }
    }

    public IReadOnlyList<TimeBucket> Buckets { get; }

    /// <summary>The greatest part of tokens or cost first; the others last.</summary>
    public IReadOnlyList<UsageSeries> Series { get; }

    public decimal Sum(TimeBucket bucket, UsageSeries series, Func<UsageSums, decimal> measure) =>
        series.Models.Sum(model => _rows.TryGetValue((bucket.Key, model), out var row) ? measure(row) : 0);

    public decimal Sum(TimeBucket bucket, Func<UsageSums, decimal> measure) => Series.Sum(series => Sum(bucket, series, measure));
}
