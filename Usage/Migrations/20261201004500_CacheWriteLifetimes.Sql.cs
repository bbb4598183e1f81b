namespace LlmAspire.Usage.Migrations
{
    public partial class CacheWriteLifetimes
    {
        // PostgreSQL does not change the columns that a function returns.
        private const string DropFunctions = """
            DROP FUNCTION ledger.call_cost(bigint, timestamptz);
            DROP FUNCTION ledger.usage_as_of(timestamptz);
            DROP FUNCTION ledger.usage_recorded(timestamptz);
            DROP FUNCTION ledger.usage_provisional(timestamptz);
            """;

        private static string FunctionsWith => Functions("cache_write_1h_tokens bigint, ", "cache_write_1h_tokens, ", "NULL::bigint, ", "usage.cache_write_1h_tokens, ");

        private static string FunctionsWithout => Functions("", "", "", "");

        /// <summary>The functions that return rows, with the column that was added or without it.</summary>
        /// <param name="type">Its name and type.</param>
        /// <param name="name">Its name.</param>
        /// <param name="unknown">Its value in a provisional row.</param>
        /// <param name="qualified">Its name in <c>usage</c>.</param>
        private static string Functions(string type, string name, string unknown, string qualified)
        {
            var columns = $"""
                id uuid, created_at timestamptz, recorded_at timestamptz, replaced_at timestamptz, request_id uuid, user_id uuid, org_id uuid,
                api_key_id uuid, trace_id text, span_id text, conversation_id uuid, operation text, model_alias text, provider text, served_model text,
                prompt_tokens bigint, completion_tokens bigint, cached_prompt_tokens bigint, cache_write_tokens bigint, {type}reasoning_tokens bigint,
                audio_prompt_tokens bigint, audio_completion_tokens bigint, source text, outcome text, attempts integer, fallbacks integer,
                ttft_ms integer, duration_ms integer, gateway_call_id text, raw_usage jsonb
                """;
            var recorded = $"""
                SELECT
                    id, created_at, recorded_at, replaced_at, request_id, user_id, org_id, api_key_id, trace_id, span_id, conversation_id, operation,
                    model_alias, provider, served_model, prompt_tokens, completion_tokens, cached_prompt_tokens, cache_write_tokens, {name}reasoning_tokens,
                    audio_prompt_tokens, audio_completion_tokens, source, outcome, attempts, fallbacks, ttft_ms, duration_ms, gateway_call_id, raw_usage
                FROM ledger.llm_usage WHERE recorded_at <= instant
                """;
            var provisional = $"""
                SELECT
                    id, created_at, provisional_recorded_at, NULL::timestamptz, request_id, user_id, org_id, api_key_id, trace_id, span_id, conversation_id,
                    operation, model_alias, NULL::text, NULL::text, 0::bigint, 0::bigint, NULL::bigint, NULL::bigint, {unknown}NULL::bigint, NULL::bigint,
                    NULL::bigint, 'none'::text, 'interrupted'::text, NULL::integer, NULL::integer, NULL::integer, provisional_duration_ms, NULL::text,
                    NULL::jsonb
                FROM ledger.llm_usage WHERE provisional_recorded_at <= instant AND recorded_at > instant
                """;
            return $"""
                -- The rows that had been recorded at a time.
                CREATE FUNCTION ledger.usage_recorded(instant timestamptz) RETURNS TABLE ({columns}) LANGUAGE sql STABLE PARALLEL SAFE AS $$ {recorded} $$;

                -- The provisional rows that stood at a time where another one stands now.
                CREATE FUNCTION ledger.usage_provisional(instant timestamptz) RETURNS TABLE ({columns}) LANGUAGE sql STABLE PARALLEL SAFE AS $$ {provisional} $$;

                -- The rows as they stood at a time, 'infinity' for now: without those that came later, and with the provisional ones that were replaced later.
                CREATE FUNCTION ledger.usage_as_of(instant timestamptz) RETURNS TABLE ({columns}) LANGUAGE sql STABLE PARALLEL SAFE AS $$
                {recorded} UNION ALL {provisional}
                $$;

                {CallCost(columns, qualified)}
                """;
        }

        private static string CallCost(string columns, string qualified) => $"""
            -- The rows as they stood at a time, with what they cost at the prices of a revision: null when unpriced.
            CREATE FUNCTION ledger.call_cost(as_of_revision bigint, instant timestamptz) RETURNS TABLE ({columns}, cost_usd numeric, unpriced boolean)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    usage.id, usage.created_at, usage.recorded_at, usage.replaced_at, usage.request_id, usage.user_id, usage.org_id, usage.api_key_id,
                    usage.trace_id, usage.span_id, usage.conversation_id, usage.operation, usage.model_alias, usage.provider, usage.served_model,
                    usage.prompt_tokens, usage.completion_tokens, usage.cached_prompt_tokens, usage.cache_write_tokens, {qualified}usage.reasoning_tokens,
                    usage.audio_prompt_tokens, usage.audio_completion_tokens, usage.source, usage.outcome, usage.attempts, usage.fallbacks, usage.ttft_ms,
                    usage.duration_ms, usage.gateway_call_id, usage.raw_usage,
                    ledger.token_cost(
                        usage.prompt_tokens, usage.completion_tokens, coalesce(usage.cached_prompt_tokens, 0), coalesce(usage.cache_write_tokens, 0),
                        coalesce(usage.reasoning_tokens, 0), coalesce(usage.audio_prompt_tokens, 0), coalesce(usage.audio_completion_tokens, 0),
                        price.input, price.output, price.cached_input, price.cache_write, price.reasoning, price.audio_input, price.audio_output),
                    usage.prompt_tokens + usage.completion_tokens > 0 AND (price.input IS NULL OR price.output IS NULL)
                FROM ledger.usage_as_of(instant) AS usage LEFT JOIN ledger.price_periods(as_of_revision) AS price
                    ON price.provider = usage.provider AND price.model = usage.served_model
                        AND price.valid_from <= usage.created_at AND usage.created_at < price.valid_to
            $$;
            """;
    }
}
