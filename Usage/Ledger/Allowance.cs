namespace LlmAspire.Usage;

/// <summary>
/// A row of <c>ledger.allowance</c>: what an organisation used in a month, and what its open calls may still use. Opening a call reserves;
/// ingestion releases the reserves of open calls that it removes and books the tokens of rows that it writes.
/// </summary>
public sealed class Allowance
{
    public Guid OrgId { get; init; }

    /// <summary>The first day of the month (UTC) that holds the calls' <c>created_at</c>.</summary>
    public DateOnly Month { get; init; }

    /// <summary>Prompt and completion tokens of the ledger's rows.</summary>
    public long UsedTokens { get; init; }

    /// <summary>What the open calls may use at most.</summary>
    public long ReservedTokens { get; init; }
}
