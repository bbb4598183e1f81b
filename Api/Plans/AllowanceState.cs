using LlmAspire.Usage;

namespace LlmAspire.Api.Plans;

/// <summary>What an organisation may still use in a month.</summary>
/// <param name="Limit">Tokens a month of the organisation's plan.</param>
/// <param name="Used">Tokens of the ledger's rows.</param>
/// <param name="Reserved">What calls that are being made may use at most.</param>
/// <param name="Remaining">What a call that is made now may use at most; never below 0.</param>
/// <param name="ResetsAt">When the next month begins, UTC.</param>
public sealed record AllowanceState(long Limit, long Used, long Reserved, long Remaining, DateTimeOffset ResetsAt)
{
    internal static AllowanceState Of(DateOnly month, long limit, long used, long reserved) => new(
        limit, used, reserved, Math.Max(0, limit - used - reserved), new DateTimeOffset(month.AddMonths(1), TimeOnly.MinValue, TimeSpan.Zero));

    /// <summary>The members as those of a problem.</summary>
    internal IReadOnlyDictionary<string, object?> ToExtensions() => new Dictionary<string, object?>
    {
        ["limit"] = Limit,
        ["used"] = Used,
        ["reserved"] = Reserved,
        ["remaining"] = Remaining,
        ["resetsAt"] = ResetsAt,
    };

    internal static AllowanceState Of(AllowanceExceededException exceeded) => Of(exceeded.Month, exceeded.Limit, exceeded.Used, exceeded.Reserved);
}
