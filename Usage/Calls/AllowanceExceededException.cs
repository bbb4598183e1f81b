namespace LlmAspire.Usage;

/// <summary>A call was not opened: with what it may use at most, its organisation could use more than its limit for the month. Nothing was reserved.</summary>
/// <param name="month">The first day of the call's month (UTC).</param>
/// <param name="limit">Tokens for the month.</param>
/// <param name="used">Tokens of the ledger's rows.</param>
/// <param name="reserved">What the open calls may use at most.</param>
/// <param name="need">What this call could use at most.</param>
public sealed class AllowanceExceededException(DateOnly month, long limit, long used, long reserved, long need)
    : Exception($"The call needs {need} tokens; of {limit} in the month {month:yyyy-MM} {used} are used and {reserved} reserved.")
{
    public DateOnly Month => month;

    public long Limit => limit;

    public long Used => used;

    public long Reserved => reserved;

    public long Need => need;
}
