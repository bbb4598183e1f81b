namespace LlmAspire.Usage;

/// <summary>What a token of each class costs, in whole units of <see cref="ReportPrices"/>: a class without a price of its own has that of its side.</summary>
internal readonly record struct TokenRates(long Input, long Output, long CachedInput, long CacheWrite, long Reasoning, long AudioInput, long AudioOutput)
{
    /// <summary>The same as <c>ledger.token_cost</c>: each token once, without a division or a rounding. Beyond any sum of tokens that there can be.</summary>
    public Int128 CostOf(ClassTokens tokens) =>
        Math.BigMul(tokens.Prompt - tokens.CachedPrompt - tokens.CacheWrite - tokens.AudioPrompt, Input)
        + Math.BigMul(tokens.CachedPrompt, CachedInput)
        + Math.BigMul(tokens.CacheWrite, CacheWrite)
        + Math.BigMul(tokens.AudioPrompt, AudioInput)
        + Math.BigMul(tokens.Completion - tokens.Reasoning - tokens.AudioCompletion, Output)
        + Math.BigMul(tokens.Reasoning, Reasoning)
        + Math.BigMul(tokens.AudioCompletion, AudioOutput);
}
