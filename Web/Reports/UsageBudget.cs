namespace LlmAspire.Web.Reports;

/// <summary>The tokens of an organisation in this month, as <c>GET /usage/budget</c> answers.</summary>
/// <param name="Month">Such as <c>2026-11</c>.</param>
/// <param name="LimitTokens">Null when the plan has no limit; then nothing is left or exhausted either.</param>
/// <param name="ReservedTokens">What answers that are being made may use at most.</param>
/// <param name="ForecastTokens">Of the whole month, if it goes on as in <paramref name="Basis"/>.</param>
/// <param name="LikelyExhaustedAt">Null when the limit is likely to last.</param>
public sealed record UsageBudget(
    string Month,
    long? LimitTokens,
    long UsedTokens,
    long ReservedTokens,
    long? LeftTokens,
    long? ForecastTokens,
    decimal? ForecastCostUsd,
    decimal CostUsd,
    long UnpricedCalls,
    DateTimeOffset ResetsAt,
    DateTimeOffset? LikelyExhaustedAt,
    ForecastBasis? Basis);

/// <summary>From which days a forecast is made.</summary>
public sealed record ForecastBasis(DateOnly? SinceDay, decimal? Days);
