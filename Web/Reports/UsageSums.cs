namespace LlmAspire.Web.Reports;

/// <summary>What the ledger has of a group of calls. Tokens of classes are within prompt and completion; money is USD.</summary>
public record UsageSums
{
    public long Calls { get; init; }

    public long PromptTokens { get; init; }

    public long CompletionTokens { get; init; }

    public long CachedPromptTokens { get; init; }

    public long CacheWriteTokens { get; init; }

    public long ReasoningTokens { get; init; }

    public long AudioPromptTokens { get; init; }

    public long AudioCompletionTokens { get; init; }

    public long TotalTokens { get; init; }

    public long EstimatedTokens { get; init; }

    public long PartialTokens { get; init; }

    /// <summary>Of the calls that have a price.</summary>
    public decimal CostUsd { get; init; }

    public decimal EstimatedCostUsd { get; init; }

    public decimal PartialCostUsd { get; init; }

    public long UnpricedCalls { get; init; }

    public long UnpricedTokens { get; init; }

    /// <summary>Whether nothing of it has a price: its cost is not known, which is not 0.</summary>
    public bool IsUnpriced => UnpricedTokens > 0 && UnpricedTokens == TotalTokens;
}

/// <param name="Keys">In the order in which the summary is grouped; null where the ledger does not know.</param>
public sealed record UsageRow(IReadOnlyList<string?> Keys) : UsageSums;

/// <summary>The sums of all groups. Shares are between 0 and 1, and null when there is nothing to have a share of.</summary>
public sealed record UsageTotals : UsageSums
{
    /// <summary>Of the tokens.</summary>
    public decimal? EstimatedShare { get; init; }

    /// <summary>Of the tokens.</summary>
    public decimal? PartialShare { get; init; }

    /// <summary>Of the calls with tokens.</summary>
    public decimal? UnpricedShare { get; init; }
}

/// <summary>As <c>GET /usage/summary</c> answers.</summary>
/// <param name="AsOf">The pin: with it, the same figures come again.</param>
/// <param name="ComputedFrom"><c>rollups</c> or <c>rows</c>.</param>
/// <param name="Names">Of the users and organisations among the keys.</param>
public sealed record UsageSummary(
    DateTimeOffset From,
    DateTimeOffset To,
    string Zone,
    string AsOf,
    string ComputedFrom,
    IReadOnlyDictionary<string, string>? Names,
    IReadOnlyList<UsageRow> Rows,
    UsageTotals Totals);
