namespace LlmAspire.Usage;

/// <summary>A row of <c>ledger.usage_rollup_org</c>: the ledger's rows of an hour, added up by organisation.</summary>
public sealed class OrgRollup : RollupRow;
