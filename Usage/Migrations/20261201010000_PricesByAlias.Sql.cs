namespace LlmAspire.Usage.Migrations
{
    public partial class PricesByAlias
    {
        // What the gateway did not tell is null in a row and empty in a roll-up. PostgreSQL writes these functions into the statement that calls them.
        private const string Names = """
            -- Which price a row has: that of its provider, or of "unknown" where the gateway did not tell,
            CREATE FUNCTION ledger.price_provider(provider text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
            RETURN coalesce(nullif(provider, ''), 'unknown');

            -- and of its model, or of the alias where the gateway did not tell.
            CREATE FUNCTION ledger.price_model(served_model text, model_alias text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
            RETURN coalesce(nullif(served_model, ''), model_alias);
            """;

        private const string DropNames = """
            DROP FUNCTION ledger.price_model(text, text);
            DROP FUNCTION ledger.price_provider(text);
            """;

        // Their sums were not split where the price starts that these roll-ups have now.
        private const string MakeDaysAgain = """
            UPDATE ledger.usage_day SET version = version + 1 WHERE day IN (
                SELECT (rollup.hour AT TIME ZONE 'UTC')::date
                FROM ledger.usage_rollup_org AS rollup JOIN ledger.llm_price AS price ON price.provider = ledger.price_provider(rollup.provider)
                    AND price.model = ledger.price_model(rollup.served_model, rollup.model_alias)
                WHERE rollup.provider = '' OR rollup.served_model = '');
            """;

        private const string DropUnpriced = "DROP FUNCTION ledger.unpriced_usage(bigint, timestamptz, timestamptz);";

        private const string Unpriced = """
            -- What was used from one hour to another and has no price, with the names of the price that is missing.
            CREATE FUNCTION ledger.unpriced_usage(as_of_revision bigint, since timestamptz, until timestamptz) RETURNS TABLE (
                provider text, served_model text, price_provider text, price_model text, calls bigint, prompt_tokens bigint, completion_tokens bigint,
                first_hour timestamptz, last_hour timestamptz)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    cost.provider, cost.served_model, ledger.price_provider(cost.provider), ledger.price_model(cost.served_model, cost.model_alias),
                    sum(cost.unpriced_calls)::bigint, sum(cost.prompt_tokens)::bigint, sum(cost.completion_tokens)::bigint, min(cost.hour), max(cost.hour)
                FROM ledger.rollup_cost_org(as_of_revision) AS cost
                WHERE cost.hour >= since AND cost.hour < until AND cost.unpriced_calls > 0
                GROUP BY 1, 2, 3, 4
            $$;
            """;

        private const string UnpricedBefore = """
            CREATE FUNCTION ledger.unpriced_usage(as_of_revision bigint, since timestamptz, until timestamptz) RETURNS TABLE (
                provider text, served_model text, calls bigint, prompt_tokens bigint, completion_tokens bigint, first_hour timestamptz, last_hour timestamptz)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    cost.provider, cost.served_model, sum(cost.unpriced_calls)::bigint, sum(cost.prompt_tokens)::bigint, sum(cost.completion_tokens)::bigint,
                    min(cost.hour), max(cost.hour)
                FROM ledger.rollup_cost_org(as_of_revision) AS cost
                WHERE cost.hour >= since AND cost.hour < until AND cost.unpriced_calls > 0
                GROUP BY cost.provider, cost.served_model
            $$;
            """;

        private static string ByAlias(string row) =>
            $"price.provider = ledger.price_provider({row}.provider) AND price.model = ledger.price_model({row}.served_model, {row}.model_alias)";

        private static string ByNames(string row) => $"price.provider = {row}.provider AND price.model = {row}.served_model";

        /// <param name="joins">The condition that a price is that of a row, or of a roll-up.</param>
        private static string Costs(Func<string, string> joins) => $"""
            CREATE OR REPLACE FUNCTION ledger.call_cost(as_of_revision bigint, instant timestamptz) RETURNS TABLE (
                id uuid, created_at timestamptz, recorded_at timestamptz, replaced_at timestamptz, request_id uuid, user_id uuid, org_id uuid,
                api_key_id uuid, trace_id text, span_id text, conversation_id uuid, operation text, model_alias text, provider text, served_model text,
                prompt_tokens bigint, completion_tokens bigint, cached_prompt_tokens bigint, cache_write_tokens bigint, cache_write_1h_tokens bigint, reasoning_tokens bigint,
                audio_prompt_tokens bigint, audio_completion_tokens bigint, source text, outcome text, attempts integer, fallbacks integer, ttft_ms
                integer, duration_ms integer, gateway_call_id text, raw_usage jsonb,
                cost_usd numeric, unpriced boolean)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    usage.id, usage.created_at, usage.recorded_at, usage.replaced_at, usage.request_id, usage.user_id, usage.org_id, usage.api_key_id,
                    usage.trace_id, usage.span_id, usage.conversation_id, usage.operation, usage.model_alias, usage.provider, usage.served_model,
                    usage.prompt_tokens, usage.completion_tokens, usage.cached_prompt_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens, usage.reasoning_tokens,
                    usage.audio_prompt_tokens, usage.audio_completion_tokens, usage.source, usage.outcome, usage.attempts, usage.fallbacks, usage.ttft_ms,
                    usage.duration_ms, usage.gateway_call_id, usage.raw_usage,
                    ledger.token_cost(
                        usage.prompt_tokens, usage.completion_tokens, coalesce(usage.cached_prompt_tokens, 0), coalesce(usage.cache_write_tokens, 0),
                        coalesce(usage.reasoning_tokens, 0), coalesce(usage.audio_prompt_tokens, 0), coalesce(usage.audio_completion_tokens, 0),
                        price.input, price.output, price.cached_input, price.cache_write, price.reasoning, price.audio_input, price.audio_output),
                    usage.prompt_tokens + usage.completion_tokens > 0 AND (price.input IS NULL OR price.output IS NULL)
                FROM ledger.usage_as_of(instant) AS usage LEFT JOIN ledger.price_periods(as_of_revision) AS price
                    ON {joins("usage")}
                        AND price.valid_from <= usage.created_at AND usage.created_at < price.valid_to
            $$;

            CREATE OR REPLACE FUNCTION ledger.rollup_cost_org(as_of_revision bigint) RETURNS TABLE (
                hour timestamptz, org_id uuid, operation text, model_alias text, provider text, served_model text, source text, outcome text, calls
                bigint, empty_calls bigint, prompt_tokens bigint, completion_tokens bigint, cached_prompt_tokens bigint, cache_write_tokens bigint,
                reasoning_tokens bigint, audio_prompt_tokens bigint, audio_completion_tokens bigint,
                cost_usd numeric, unpriced_calls bigint)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    rollup.hour, rollup.org_id, rollup.operation, rollup.model_alias, rollup.provider, rollup.served_model, rollup.source, rollup.outcome,
                    rollup.calls, rollup.empty_calls, rollup.prompt_tokens, rollup.completion_tokens, rollup.cached_prompt_tokens,
                    rollup.cache_write_tokens, rollup.reasoning_tokens, rollup.audio_prompt_tokens, rollup.audio_completion_tokens,
                    ledger.token_cost(
                        rollup.prompt_tokens, rollup.completion_tokens, rollup.cached_prompt_tokens, rollup.cache_write_tokens, rollup.reasoning_tokens,
                        rollup.audio_prompt_tokens, rollup.audio_completion_tokens, price.input, price.output, price.cached_input, price.cache_write,
                        price.reasoning, price.audio_input, price.audio_output),
                    CASE WHEN price.input IS NULL OR price.output IS NULL THEN rollup.calls - rollup.empty_calls ELSE 0 END
                FROM ledger.usage_rollup_org AS rollup LEFT JOIN ledger.price_periods(as_of_revision) AS price
                    ON {joins("rollup")}
                        AND price.valid_from <= rollup.hour AND rollup.hour < price.valid_to
            $$;

            CREATE OR REPLACE FUNCTION ledger.rollup_cost_user(as_of_revision bigint) RETURNS TABLE (
                hour timestamptz, org_id uuid, user_id uuid, operation text, model_alias text, provider text, served_model text, source text, outcome
                text, calls bigint, empty_calls bigint, prompt_tokens bigint, completion_tokens bigint, cached_prompt_tokens bigint, cache_write_tokens
                bigint, reasoning_tokens bigint, audio_prompt_tokens bigint, audio_completion_tokens bigint,
                cost_usd numeric, unpriced_calls bigint)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    rollup.hour, rollup.org_id, rollup.user_id, rollup.operation, rollup.model_alias, rollup.provider, rollup.served_model, rollup.source,
                    rollup.outcome, rollup.calls, rollup.empty_calls, rollup.prompt_tokens, rollup.completion_tokens, rollup.cached_prompt_tokens,
                    rollup.cache_write_tokens, rollup.reasoning_tokens, rollup.audio_prompt_tokens, rollup.audio_completion_tokens,
                    ledger.token_cost(
                        rollup.prompt_tokens, rollup.completion_tokens, rollup.cached_prompt_tokens, rollup.cache_write_tokens, rollup.reasoning_tokens,
                        rollup.audio_prompt_tokens, rollup.audio_completion_tokens, price.input, price.output, price.cached_input, price.cache_write,
                        price.reasoning, price.audio_input, price.audio_output),
                    CASE WHEN price.input IS NULL OR price.output IS NULL THEN rollup.calls - rollup.empty_calls ELSE 0 END
                FROM ledger.usage_rollup_user AS rollup LEFT JOIN ledger.price_periods(as_of_revision) AS price
                    ON {joins("rollup")}
                        AND price.valid_from <= rollup.hour AND rollup.hour < price.valid_to
            $$;
            """;
    }
}
