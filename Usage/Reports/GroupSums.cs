namespace LlmAspire.Usage;

/// <summary>What a group of a summary adds up to, at the prices of the report. Not thread-safe.</summary>
internal sealed class GroupSums
{
    private long _empty;
    private ClassTokens _tokens;
    private long _estimatedTokens;
    private long _partialTokens;
    private Int128 _cost;
    private Int128 _estimatedCost;
    private Int128 _partialCost;
    private long _unpricedCalls;
    private long _unpricedTokens;

    public long Calls { get; private set; }

    /// <param name="rates">Null when they have no price.</param>
    public void Add(long calls, long empty, ClassTokens tokens, ClassTokens estimated, ClassTokens partial, TokenRates? rates)
    {
        Calls += calls;
        _empty += empty;
        _tokens += tokens;
        _estimatedTokens += estimated.Total;
        _partialTokens += partial.Total;
        if (rates is { } priced)
        {
            _cost += priced.CostOf(tokens);
            _estimatedCost += priced.CostOf(estimated);
            _partialCost += priced.CostOf(partial);
        }
        else
        {
            _unpricedCalls += calls - empty;
            _unpricedTokens += tokens.Total;
        }
    }

    public void Add(GroupSums other)
    {
        Calls += other.Calls;
        _empty += other._empty;
        _tokens += other._tokens;
        _estimatedTokens += other._estimatedTokens;
        _partialTokens += other._partialTokens;
        _cost += other._cost;
        _estimatedCost += other._estimatedCost;
        _partialCost += other._partialCost;
        _unpricedCalls += other._unpricedCalls;
        _unpricedTokens += other._unpricedTokens;
    }

    public ReportSums ToReport(ReportPrices prices) => new(
        Calls, _empty, _tokens.Prompt, _tokens.Completion, _tokens.CachedPrompt, _tokens.CacheWrite, _tokens.Reasoning, _tokens.AudioPrompt,
        _tokens.AudioCompletion, _estimatedTokens, _partialTokens, prices.ToUsd(_cost), prices.ToUsd(_estimatedCost), prices.ToUsd(_partialCost), _unpricedCalls,
        _unpricedTokens);
}
