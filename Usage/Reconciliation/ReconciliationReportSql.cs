namespace LlmAspire.Usage;

/// <summary>
/// The statements of a <see cref="ReconciliationReport"/>; $1 and $2 are days. The rows have day, provider, model, ledger's and other's calls, prompt and completion
/// tokens of both, cost of both, share that differs, missing in the ledger, missing at the gateway, time of comparison.
/// </summary>
internal static class ReconciliationReportSql
{
    /// <summary>What the ledger's tokens cost, by day; null when some of it has no price.</summary>
    private const string Cost = """
        cost AS (
            SELECT
                (hour AT TIME ZONE 'UTC')::date AS day, provider, served_model AS model, sum(calls - empty_calls)::bigint AS calls,
                sum(prompt_tokens)::bigint AS prompt_tokens, sum(completion_tokens)::bigint AS completion_tokens,
                CASE WHEN sum(unpriced_calls) = 0 THEN coalesce(sum(cost_usd), 0) END AS cost_usd
            FROM ledger.rollup_cost_org(NULL)
            WHERE hour >= $1::timestamp AT TIME ZONE 'UTC' AND hour < $2::timestamp AT TIME ZONE 'UTC'
            GROUP BY 1, 2, 3)
        """;

    public const string Gateway = $"""
        WITH {Cost}
        SELECT
            result.day, result.provider, result.model, result.ledger_calls, result.gateway_calls, result.ledger_prompt_tokens, result.ledger_completion_tokens,
            result.gateway_prompt_tokens, result.gateway_completion_tokens, CASE WHEN result.ledger_calls = 0 THEN 0 ELSE cost.cost_usd END,
            result.gateway_cost_usd, round(result.differing_tokens::numeric / result.compared_tokens, 12), result.missing_in_ledger,
            result.missing_at_gateway, done.compared_at
        FROM ledger.reconciliation_result AS result JOIN ledger.reconciliation_day AS done USING (day)
            LEFT JOIN cost ON (cost.day, cost.provider, cost.model) = (result.day, result.provider, result.model)
        WHERE result.day >= $1 AND result.day < $2
        """;

    /// <summary>A provider that has an invoice for a day has said what it charges for all of its models: one that is not in it is compared with nothing.</summary>
    public const string Invoices = $"""
        WITH {Cost}, invoiced AS (
            SELECT * FROM ledger.invoice WHERE day >= $1 AND day < $2
        ), covered AS (
            SELECT day, provider, max(imported_at) AS imported_at FROM invoiced GROUP BY day, provider
        ), used AS (
            SELECT cost.* FROM cost JOIN covered USING (day, provider)
        ), compared AS (
            SELECT
                day, provider, model, coalesce(used.calls, 0) AS calls, CASE WHEN invoiced.day IS NULL THEN 0 ELSE invoiced.calls END AS invoiced_calls,
                coalesce(used.prompt_tokens, 0) AS prompt_tokens, coalesce(used.completion_tokens, 0) AS completion_tokens,
                coalesce(invoiced.prompt_tokens, 0) AS invoiced_prompt_tokens, coalesce(invoiced.completion_tokens, 0) AS invoiced_completion_tokens,
                CASE WHEN used.day IS NULL THEN 0 ELSE used.cost_usd END AS cost_usd, coalesce(invoiced.cost_usd, 0) AS invoiced_cost_usd
            FROM used FULL JOIN invoiced USING (day, provider, model)
        )
        SELECT
            compared.day, compared.provider, compared.model, calls, invoiced_calls, prompt_tokens, completion_tokens, invoiced_prompt_tokens,
            invoiced_completion_tokens, cost_usd, invoiced_cost_usd,
            round(
                (abs(prompt_tokens - invoiced_prompt_tokens) + abs(completion_tokens - invoiced_completion_tokens))::numeric
                    / greatest(greatest(prompt_tokens, invoiced_prompt_tokens) + greatest(completion_tokens, invoiced_completion_tokens), 1), 12),
            NULL::bigint, NULL::bigint, covered.imported_at
        FROM compared JOIN covered USING (day, provider)
        -- A line of zeros takes an earlier one back.
        WHERE prompt_tokens + completion_tokens + invoiced_prompt_tokens + invoiced_completion_tokens > 0 OR invoiced_cost_usd > 0
        """;

    public const string AnyInvoice = "SELECT EXISTS (SELECT FROM ledger.invoice_line WHERE day >= $1 AND day < $2)";

    public const string LastComparedAt = "SELECT max(compared_at) FROM ledger.reconciliation_day";

    public const string State = "SELECT problem, threshold, since, asked_at FROM ledger.reconciliation_gateway";

    public const string Differences = """
        SELECT
            gateway_call_id, call_id, kind, ledger_prompt_tokens, ledger_completion_tokens, gateway_prompt_tokens, gateway_completion_tokens, at, provider, model
        FROM ledger.reconciliation_difference
        WHERE day = $1 AND ($2::text IS NULL OR provider = $2) AND ($3::text IS NULL OR model = $3)
        ORDER BY abs(coalesce(ledger_prompt_tokens, 0) - coalesce(gateway_prompt_tokens, 0))
            + abs(coalesce(ledger_completion_tokens, 0) - coalesce(gateway_completion_tokens, 0)) DESC, gateway_call_id
        """;
}
