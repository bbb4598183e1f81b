namespace LlmAspire.Usage;

/// <summary>Sums of calls. Tokens are counted as the ledger counts them: classes are within prompt and completion.</summary>
/// <param name="EmptyCalls">Calls without a token.</param>
/// <param name="EstimatedTokens">Of those in all: counted by this product, for the provider did not say.</param>
/// <param name="PartialTokens">Of those in all: of what the provider said, a part is missing.</param>
/// <param name="CostUsd">Of what has a price.</param>
/// <param name="UnpricedCalls">Calls with tokens and without a price.</param>
public sealed record ReportSums(
    long Calls,
    long EmptyCalls,
    long PromptTokens,
    long CompletionTokens,
    long CachedPromptTokens,
    long CacheWriteTokens,
    long ReasoningTokens,
    long AudioPromptTokens,
    long AudioCompletionTokens,
    long EstimatedTokens,
    long PartialTokens,
    decimal CostUsd,
    decimal EstimatedCostUsd,
    decimal PartialCostUsd,
    long UnpricedCalls,
    long UnpricedTokens)
{
    public static ReportSums None { get; } = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

    public long TotalTokens => PromptTokens + CompletionTokens;

    public static ReportSums operator +(ReportSums left, ReportSums right) => new(
        left.Calls + right.Calls,
        left.EmptyCalls + right.EmptyCalls,
        left.PromptTokens + right.PromptTokens,
        left.CompletionTokens + right.CompletionTokens,
        left.CachedPromptTokens + right.CachedPromptTokens,
        left.CacheWriteTokens + right.CacheWriteTokens,
        left.ReasoningTokens + right.ReasoningTokens,
        left.AudioPromptTokens + right.AudioPromptTokens,
        left.AudioCompletionTokens + right.AudioCompletionTokens,
        left.EstimatedTokens + right.EstimatedTokens,
        left.PartialTokens + right.PartialTokens,
        left.CostUsd + right.CostUsd,
        left.EstimatedCostUsd + right.EstimatedCostUsd,
        left.PartialCostUsd + right.PartialCostUsd,
        left.UnpricedCalls + right.UnpricedCalls,
        left.UnpricedTokens + right.UnpricedTokens);
}
