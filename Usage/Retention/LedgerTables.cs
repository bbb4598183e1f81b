namespace LlmAspire.Usage;

/// <summary>What bounds each table of the schema <c>ledger</c>.</summary>
internal static class LedgerTables
{
    /// <summary>Events that could not be booked: facts, kept for a person to look at.</summary>
    public static TableBound RejectedEvents { get; } = new("ledger.usage_rejected", "`Retention:RejectedEvents`") { IsOld = "rejected_at < $1" };

    /// <summary>Days that were compared with the gateway's logs. Their results and differences are deleted with them.</summary>
    public static TableBound Comparisons { get; } = new("ledger.reconciliation_day", "`Retention:Comparisons`") { IsOld = "day < ($1 AT TIME ZONE 'UTC')::date" };

    public static IReadOnlyList<TableBound> All { get; } =
    [
        RejectedEvents,
        Comparisons,
        new("ledger.llm_usage", "`Retention:Months`; without it every call is kept"),
        new("ledger.usage_inbox", "the worker takes each event out when it books it"),
        new("ledger.open_call", "a call is taken out when it is settled or given up"),
        new("ledger.api_instance", "one row for each process of `api`, until a day after its last report"),
        new("ledger.usage_retention", "one row"),
        new("ledger.usage_rollup_org", "as long as their calls by the hour; then `Retention:HourlyRollups`, and by the day"),
        new("ledger.usage_rollup_user", "as long as their calls by the hour; then `Retention:HourlyRollups`, and by the day"),
        new("ledger.usage_day", "one row a day: kept for ever, with the two below"),
        new("ledger.usage_day_org", "one row a day for each organisation and model that it used: kept for ever, reports of any time are made of them"),
        new("ledger.usage_day_user", "one row a day for each person and model that they used: kept for ever, reports of any time are made of them"),
        new("ledger.allowance", "one row a month for each organisation with calls"),
        new("ledger.price_revision", "one row a change of prices; reports of any time need them"),
        new("ledger.llm_price", "the prices of each change"),
        new("ledger.reconciliation_result", "goes with its row of `reconciliation_day`"),
        new("ledger.reconciliation_difference", "goes with its row of `reconciliation_day`; a day has 1,000 at most"),
        new("ledger.reconciliation_gateway", "one row"),
        new("ledger.invoice_import", "one row for each invoice that an operator imports: evidence, never deleted"),
        new("ledger.invoice_line", "the lines of these invoices"),
        new("ledger.invoice_notice", "one row at most for each line of an invoice"),
        new("ledger.migrations", "one row a version of the schema"),
    ];
}
