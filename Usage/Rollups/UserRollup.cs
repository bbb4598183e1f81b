namespace LlmAspire.Usage;

/// <summary>A row of <c>ledger.usage_rollup_user</c>: the ledger's rows of an hour, added up by user.</summary>
public sealed class UserRollup : RollupRow
{
    public Guid UserId { get; init; }
}
