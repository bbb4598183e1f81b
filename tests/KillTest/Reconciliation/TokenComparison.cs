namespace LlmAspire.KillTest.Reconciliation;

/// <summary>Served calls whose rows say the same about themselves.</summary>
/// <param name="Served">Tokens, by the gateway's record.</param>
/// <param name="Ledger">Tokens, by the ledger.</param>
internal sealed record TokenComparison(string Outcome, string Source, int Calls, long Served, long Ledger)
{
    /// <summary>What the ledger knows too little of; negative when an estimate was too high.</summary>
    public long Shortfall => Served - Ledger;

    public static IEnumerable<TokenComparison> Of(IEnumerable<(LedgerRow Row, ServedCall Call)> pairs) =>
        from pair in pairs
        group pair by (pair.Row.Outcome, pair.Row.Source) into kind
        orderby kind.Key
        select new TokenComparison(kind.Key.Outcome, kind.Key.Source, kind.Count(), kind.Sum(pair => pair.Call.Tokens), kind.Sum(pair => pair.Row.Tokens));
}
