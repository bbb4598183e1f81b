namespace LlmAspire.Usage;

/// <summary>The statements of a <see cref="ReconciliationSession"/>.</summary>
internal static class ReconciliationSql
{
    private const string Key = "hashtextextended('ledger.reconciliation', 0)";

    public const string TryLock = $"SELECT pg_try_advisory_lock({Key})";

    public const string End = $"DROP TABLE IF EXISTS pg_temp.gateway_log, pg_temp.compared_call; SELECT pg_advisory_unlock({Key})";

    /// <summary>$1 now, $2 delay, $3 days back, $4 interval.</summary>
    public const string DueDays = """
        SELECT due.day, due.until
        FROM generate_series(0, $3) AS back
            CROSS JOIN LATERAL (SELECT ($1 AT TIME ZONE 'UTC')::date - back AS day) AS present
            CROSS JOIN LATERAL (SELECT present.day::timestamp AT TIME ZONE 'UTC' AS begun, (present.day + 1)::timestamp AT TIME ZONE 'UTC' AS ended) AS span
            CROSS JOIN LATERAL (SELECT present.day, least(span.ended, $1 - $2) AS until) AS due
            LEFT JOIN ledger.reconciliation_day AS done ON done.day = due.day
        WHERE due.until > span.begun
            AND span.ended > (SELECT min(created_at) FROM ledger.llm_usage)
            AND span.begun >= coalesce((SELECT dropped_before FROM ledger.usage_retention), '-infinity')
            AND (
                done.day IS NULL
                OR done.compared_until < due.until AND (due.until = span.ended OR done.compared_until + $4 <= due.until)
                -- What the gateway writes late is not told; a day that agrees has nothing to wait for.
                OR done.differences > 0 AND done.compared_at <= $1 - interval '1 day'
                OR EXISTS (
                    SELECT FROM ledger.llm_usage AS late
                    WHERE late.created_at >= span.begun AND late.created_at < done.compared_until AND late.recorded_at > done.ledger_as_of))
        ORDER BY due.day
        """;

    public const string BeginDay = """
        CREATE TEMP TABLE IF NOT EXISTS gateway_log (
            request_id text NOT NULL, call_key text NOT NULL, provider text, model text, prompt_tokens bigint NOT NULL, completion_tokens bigint NOT NULL,
            cost_usd numeric NOT NULL, at timestamptz NOT NULL);
        CREATE TEMP TABLE IF NOT EXISTS compared_call (
            call_key text NOT NULL, call_id uuid, provider text NOT NULL, model text NOT NULL, kind text, ledger_prompt_tokens bigint,
            ledger_completion_tokens bigint, gateway_prompt_tokens bigint, gateway_completion_tokens bigint, gateway_cost_usd numeric NOT NULL,
            differing_tokens bigint NOT NULL, compared_tokens bigint NOT NULL, at timestamptz NOT NULL);
        TRUNCATE pg_temp.gateway_log, pg_temp.compared_call
        """;

    public const string CopyLogs =
        "COPY pg_temp.gateway_log (request_id, call_key, provider, model, prompt_tokens, completion_tokens, cost_usd, at) FROM STDIN (FORMAT binary)";

    public const string Analyze = "ANALYZE pg_temp.gateway_log";

    public const string Pin = "SELECT recorded_at FROM ledger.newest_pin()";

    /// <summary>
    /// $1 from, $2 until. Call by call, in either's words. A call may have several logs (a retry, a fallback), and several rows (another provider went on in
    /// the middle of a stream): both are added up. The rows of a call have its request and its id at the gateway; where the gateway told none, the further
    /// rows have the id of the first one in its place. They belong to the day of the first one. A call without tokens on both sides cost nobody anything
    /// and is not compared.
    /// </summary>
    public const string Compare = """
        INSERT INTO pg_temp.compared_call
        WITH logged AS (
            SELECT DISTINCT ON (request_id) * FROM pg_temp.gateway_log WHERE at >= $1 AND at < $2 ORDER BY request_id
        ), part AS MATERIALIZED (
            SELECT
                *, first_value(id::text) OVER (PARTITION BY request_id, call ORDER BY call = id::text DESC, created_at, id) AS key
            FROM (
                SELECT
                    id, request_id, gateway_call_id, coalesce(gateway_call_id, id::text) AS call, provider, served_model, prompt_tokens, completion_tokens,
                    created_at
                FROM ledger.llm_usage WHERE created_at >= $1 - interval '1 hour' AND created_at < $2 + interval '1 hour'
            ) AS row
        ), kept AS (
            SELECT
                key, min(call) AS call,
                (array_agg(provider ORDER BY prompt_tokens + completion_tokens DESC, id))[1] AS provider,
                (array_agg(served_model ORDER BY prompt_tokens + completion_tokens DESC, id))[1] AS served_model,
                sum(prompt_tokens)::bigint AS prompt_tokens, sum(completion_tokens)::bigint AS completion_tokens, min(created_at) AS created_at
            FROM part GROUP BY key HAVING min(created_at) >= $1 AND min(created_at) < $2
        ), renamed AS (
            SELECT name, min(key) AS key
            FROM (SELECT gateway_call_id AS name, key FROM part UNION ALL SELECT id::text, key FROM part) AS known
            WHERE name <> key GROUP BY name
        ), gateway AS (
            SELECT
                coalesce(renamed.key, logged.call_key) AS key,
                (array_agg(logged.provider ORDER BY logged.prompt_tokens + logged.completion_tokens DESC, logged.request_id))[1] AS provider,
                (array_agg(logged.model ORDER BY logged.prompt_tokens + logged.completion_tokens DESC, logged.request_id))[1] AS model,
                sum(logged.prompt_tokens)::bigint AS prompt_tokens, sum(logged.completion_tokens)::bigint AS completion_tokens,
                sum(logged.cost_usd) AS cost_usd, min(logged.at) AS at
            FROM logged LEFT JOIN renamed ON renamed.name = logged.call_key
            GROUP BY 1
        )
        SELECT
            coalesce(kept.call, gateway.key), kept.key::uuid, coalesce(kept.provider, gateway.provider, ''), coalesce(kept.served_model, gateway.model, ''),
            CASE
                WHEN kept.key IS NULL THEN 'missing_in_ledger'
                WHEN gateway.key IS NULL THEN 'missing_at_gateway'
                WHEN kept.prompt_tokens <> gateway.prompt_tokens OR kept.completion_tokens <> gateway.completion_tokens THEN 'tokens_differ'
            END,
            kept.prompt_tokens, kept.completion_tokens, gateway.prompt_tokens, gateway.completion_tokens, coalesce(gateway.cost_usd, 0),
            abs(coalesce(kept.prompt_tokens, 0) - coalesce(gateway.prompt_tokens, 0))
                + abs(coalesce(kept.completion_tokens, 0) - coalesce(gateway.completion_tokens, 0)),
            greatest(kept.prompt_tokens, gateway.prompt_tokens) + greatest(kept.completion_tokens, gateway.completion_tokens),
            coalesce(kept.created_at, gateway.at)
        FROM kept FULL JOIN gateway ON gateway.key = kept.key
        WHERE kept.prompt_tokens + kept.completion_tokens > 0 OR gateway.prompt_tokens + gateway.completion_tokens > 0
        """;

    /// <summary>$1 day, $2 until, $3 as of, $4 now, $5 most differences: each statement uses what it needs.</summary>
    public static readonly IReadOnlyList<string> SaveDay =
    [
        "DELETE FROM ledger.reconciliation_day WHERE day = $1",
        """
        INSERT INTO ledger.reconciliation_day (day, compared_until, ledger_as_of, compared_at, differences)
        SELECT $1, $2, $3, $4, count(*) FILTER (WHERE kind IS NOT NULL) FROM pg_temp.compared_call
        """,
        """
        INSERT INTO ledger.reconciliation_result
        SELECT
            $1, provider, model,
            count(*) FILTER (WHERE call_id IS NOT NULL), count(*) FILTER (WHERE gateway_prompt_tokens IS NOT NULL),
            count(*) FILTER (WHERE kind = 'missing_in_ledger'), count(*) FILTER (WHERE kind = 'missing_at_gateway'),
            coalesce(sum(ledger_prompt_tokens), 0), coalesce(sum(ledger_completion_tokens), 0),
            coalesce(sum(gateway_prompt_tokens), 0), coalesce(sum(gateway_completion_tokens), 0),
            sum(gateway_cost_usd), sum(differing_tokens), sum(compared_tokens)
        FROM pg_temp.compared_call GROUP BY provider, model
        """,
        """
        INSERT INTO ledger.reconciliation_difference
        SELECT
            $1, provider, model, call_key, call_id, kind, ledger_prompt_tokens, ledger_completion_tokens, gateway_prompt_tokens,
            gateway_completion_tokens, at
        FROM pg_temp.compared_call WHERE kind IS NOT NULL
        ORDER BY differing_tokens DESC, call_key LIMIT $5
        """,
    ];

    public const string ModelsOfDay = """
        SELECT provider, model, differing_tokens, round(differing_tokens::numeric / compared_tokens, 12) FROM ledger.reconciliation_result WHERE day = $1
        ORDER BY provider, model
        """;

    public const string Totals = """
        SELECT provider, model, sum(differing_tokens)::bigint, (sum(differing_tokens) / sum(compared_tokens))::double precision
        FROM ledger.reconciliation_result WHERE day >= $1 GROUP BY provider, model ORDER BY provider, model
        """;

    public const string DaysAbove =
        "SELECT count(DISTINCT day) FROM ledger.reconciliation_result WHERE day >= $1 AND differing_tokens > $2 * compared_tokens";

    /// <summary>$1 to $5: the invoices above the threshold, by column; $6: now. Gives those of which this was not said yet.</summary>
    public const string NoticeInvoices = """
        WITH found AS (
            SELECT * FROM unnest($1, $2, $3, $4, $5) AS found (day, provider, model, drift_tokens, drift_cost_usd)
        ), gone AS (
            DELETE FROM ledger.invoice_notice AS said
            WHERE NOT EXISTS (SELECT FROM found WHERE (found.day, found.provider, found.model) = (said.day, said.provider, said.model))
        )
        INSERT INTO ledger.invoice_notice AS said SELECT found.*, $6 FROM found
        ON CONFLICT (day, provider, model) DO UPDATE
            SET drift_tokens = excluded.drift_tokens, drift_cost_usd = excluded.drift_cost_usd, said_at = excluded.said_at
            WHERE (said.drift_tokens, said.drift_cost_usd) IS DISTINCT FROM (excluded.drift_tokens, excluded.drift_cost_usd)
        RETURNING day, provider, model
        """;

    public const string SaveState = """
        INSERT INTO ledger.reconciliation_gateway AS state (id, problem, threshold, since, asked_at) VALUES (true, $1, $2, $3, $3)
        ON CONFLICT (id) DO UPDATE SET problem = excluded.problem, threshold = excluded.threshold, asked_at = excluded.asked_at,
            since = CASE WHEN state.problem IS NOT DISTINCT FROM excluded.problem THEN state.since ELSE excluded.since END
        """;
}
