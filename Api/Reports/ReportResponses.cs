using System.Text.Json;
using LlmAspire.Usage;

namespace LlmAspire.Api.Reports;

/// <summary>Sums of calls. Money is in USD, of what has a price; estimated and partial are parts of the whole.</summary>
public class ReportFigures(ReportSums sums)
{
    public long Calls => sums.Calls;

    public long PromptTokens => sums.PromptTokens;

    public long CompletionTokens => sums.CompletionTokens;

    public long CachedPromptTokens => sums.CachedPromptTokens;

    public long CacheWriteTokens => sums.CacheWriteTokens;

    public long ReasoningTokens => sums.ReasoningTokens;

    public long AudioPromptTokens => sums.AudioPromptTokens;

    public long AudioCompletionTokens => sums.AudioCompletionTokens;

    public long TotalTokens => sums.TotalTokens;

    public long EstimatedTokens => sums.EstimatedTokens;

    public long PartialTokens => sums.PartialTokens;

    public decimal CostUsd => sums.CostUsd;

    public decimal EstimatedCostUsd => sums.EstimatedCostUsd;

    public decimal PartialCostUsd => sums.PartialCostUsd;

    public long UnpricedCalls => sums.UnpricedCalls;

    public long UnpricedTokens => sums.UnpricedTokens;
}

/// <param name="keys">In the order in which they were asked for.</param>
public sealed class ReportRow(IReadOnlyList<string?> keys, ReportSums sums) : ReportFigures(sums)
{
    public IReadOnlyList<string?> Keys => keys;
}

/// <summary>The sums of all rows, and how sure they are.</summary>
public sealed class ReportTotals(ReportSums sums) : ReportFigures(sums)
{
    private readonly ReportSums _sums = sums;

    /// <summary>Of the tokens, 0 to 1; null without tokens.</summary>
    public double? EstimatedShare => Share(_sums.EstimatedTokens, _sums.TotalTokens);

    /// <inheritdoc cref="EstimatedShare"/>
    public double? PartialShare => Share(_sums.PartialTokens, _sums.TotalTokens);

    /// <summary>Of the calls with tokens, 0 to 1; null without such calls.</summary>
    public double? UnpricedShare => Share(_sums.UnpricedCalls, _sums.Calls - _sums.EmptyCalls);

    private static double? Share(long part, long whole) => whole == 0 ? null : (double)part / whole;
}

/// <param name="ComputedFrom"><c>rollups</c> or <c>rows</c>.</param>
/// <param name="Names">Of the people and organisations in the keys, by their ids.</param>
public sealed record SummaryResponse(
    DateTimeOffset From,
    DateTimeOffset To,
    string Zone,
    string Scope,
    IReadOnlyList<string> GroupBy,
    string AsOf,
    string ComputedFrom,
    IReadOnlyDictionary<Guid, string> Names,
    IEnumerable<ReportRow> Rows,
    ReportTotals Totals);

/// <inheritdoc cref="UsageLatencies"/>
public sealed record LatencyResponse(DateTimeOffset From, DateTimeOffset To, string Zone, string GroupBy, IReadOnlyList<LatencyGroup> Rows);

/// <param name="Next">The cursor of the next page; null when there is none.</param>
public sealed record CallsResponse(string AsOf, IReadOnlyList<ReportedCall> Calls, string? Next, IReadOnlyDictionary<Guid, string> Names);

/// <summary>A call, and all else that is known of it.</summary>
public sealed record CallStoryResponse : ReportedCall
{
    public CallStoryResponse(CallStory story, string? traceUrl, IReadOnlyDictionary<Guid, string> names)
        : base(story.Call)
    {
        (AsOf, SpanId, GatewayCallId, ReplacedAt) = (story.AsOf.ToString(), story.SpanId, story.GatewayCallId, story.ReplacedAt);
        (RawUsage, Prices, CostByClass, SameRequest) = (story.RawUsage, story.Prices, story.CostByClass, story.SameRequest);
        (TraceUrl, Names) = (traceUrl, names);
    }

    public string AsOf { get; }

    public string? SpanId { get; }

    public string? GatewayCallId { get; }

    /// <summary>When a late settle replaced what the sweeper had made of it.</summary>
    public DateTimeOffset? ReplacedAt { get; }

    /// <summary>What the provider said.</summary>
    public JsonElement? RawUsage { get; }

    /// <summary>Null when there was none in force.</summary>
    public CallPrices? Prices { get; }

    /// <summary>Adds up to the cost.</summary>
    public IReadOnlyList<ClassCost> CostByClass { get; }

    /// <summary>The other calls of what the user asked for.</summary>
    public IReadOnlyList<ReportedCall> SameRequest { get; }

    /// <summary>Where its trace is shown, when the installation says so (<c>Reports:TraceUrlTemplate</c>).</summary>
    public string? TraceUrl { get; }

    public IReadOnlyDictionary<Guid, string> Names { get; }
}

/// <summary>An organisation's tokens of the present month (UTC), and where they are heading.</summary>
/// <param name="LimitTokens">Null without a limit.</param>
/// <param name="LeftTokens">Of the limit, beyond what is used and reserved.</param>
/// <param name="ForecastTokens">At the end of the month, if the days that are left are as those of the basis.</param>
/// <param name="CostUsd">Of the month so far, of what has a price.</param>
/// <param name="LikelyExhaustedAt">When nothing is left, if that is before the month ends.</param>
public sealed record BudgetResponse(
    Guid OrgId,
    string Month,
    long? LimitTokens,
    long UsedTokens,
    long ReservedTokens,
    long? LeftTokens,
    long ForecastTokens,
    decimal CostUsd,
    decimal ForecastCostUsd,
    long UnpricedCalls,
    DateTimeOffset ResetsAt,
    DateTimeOffset? LikelyExhaustedAt,
    BudgetBasis Basis);

/// <summary>The whole days (UTC) that a forecast is made from.</summary>
/// <param name="SinceDay">The first of them; null when there is none yet.</param>
public sealed record BudgetBasis(DateOnly? SinceDay, int Days);
