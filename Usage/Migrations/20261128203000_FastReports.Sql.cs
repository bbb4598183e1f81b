namespace LlmAspire.Usage.Migrations
{
    public partial class FastReports
    {
        private const string Days = """
            -- bigint in and out: PostgreSQL's own sum makes numerics, which reports of many sums would spend most of their time with.
            CREATE AGGREGATE ledger.total(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = SAFE);

            -- The days (UTC) that have roll-ups. Whoever changes roll-ups of a day changes its version in the same statement. The day's own sums, below, are
            -- those of the version that they were made of, split where a price starts that was known at the revision.
            CREATE TABLE ledger.usage_day (
                day date CONSTRAINT pk_usage_day PRIMARY KEY,
                version bigint NOT NULL DEFAULT 0,
                compacted_version bigint,
                price_revision bigint
            ) WITH (fillfactor = 50);

            -- Roll-ups of a day, or of a part of it, from "at" on: where the price of the model starts in the middle of the day, there is a part before and one after.
            -- Which operation and which outcome is left to the roll-ups of hours; what is estimated and partial is beside the whole.
            CREATE TABLE ledger.usage_day_org (
                at timestamptz NOT NULL,
                org_id uuid NOT NULL,
                model_alias text NOT NULL,
                provider text NOT NULL,
                served_model text NOT NULL,
                calls bigint NOT NULL, empty_calls bigint NOT NULL,
                prompt_tokens bigint NOT NULL, completion_tokens bigint NOT NULL, cached_prompt_tokens bigint NOT NULL,
                cache_write_tokens bigint NOT NULL, reasoning_tokens bigint NOT NULL, audio_prompt_tokens bigint NOT NULL,
                audio_completion_tokens bigint NOT NULL,
                estimated_prompt_tokens bigint NOT NULL, estimated_completion_tokens bigint NOT NULL, estimated_cached_prompt_tokens bigint NOT NULL,
                estimated_cache_write_tokens bigint NOT NULL, estimated_reasoning_tokens bigint NOT NULL,
                estimated_audio_prompt_tokens bigint NOT NULL, estimated_audio_completion_tokens bigint NOT NULL,
                partial_prompt_tokens bigint NOT NULL, partial_completion_tokens bigint NOT NULL, partial_cached_prompt_tokens bigint NOT NULL,
                partial_cache_write_tokens bigint NOT NULL, partial_reasoning_tokens bigint NOT NULL, partial_audio_prompt_tokens bigint NOT NULL,
                partial_audio_completion_tokens bigint NOT NULL,
                CONSTRAINT pk_usage_day_org PRIMARY KEY (at, org_id, model_alias, provider, served_model)
            );

            CREATE INDEX ix_usage_day_org_org_id_at ON ledger.usage_day_org (org_id, at);

            CREATE TABLE ledger.usage_day_user (
                LIKE ledger.usage_day_org,
                user_id uuid NOT NULL,
                CONSTRAINT pk_usage_day_user PRIMARY KEY (at, org_id, user_id, model_alias, provider, served_model)
            );

            CREATE INDEX ix_usage_day_user_user_id_at ON ledger.usage_day_user (user_id, at);

            INSERT INTO ledger.usage_day (day) SELECT DISTINCT (hour AT TIME ZONE 'UTC')::date FROM ledger.usage_rollup_org;
            """;

        // Of the two kinds of rows apart, the newest are found by an index; of the union of both they are not.
        private const string Rows = """
            CREATE INDEX ix_llm_usage_provisional ON ledger.llm_usage (created_at, id) WHERE provisional_recorded_at IS NOT NULL;

            -- The rows that had been recorded at a time.
            CREATE FUNCTION ledger.usage_recorded(instant timestamptz) RETURNS TABLE (
                id uuid, created_at timestamptz, recorded_at timestamptz, replaced_at timestamptz, request_id uuid, user_id uuid, org_id uuid,
                api_key_id uuid, trace_id text, span_id text, conversation_id uuid, operation text, model_alias text, provider text, served_model text,
                prompt_tokens bigint, completion_tokens bigint, cached_prompt_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint,
                audio_prompt_tokens bigint, audio_completion_tokens bigint, source text, outcome text, attempts integer, fallbacks integer, ttft_ms
                integer, duration_ms integer, gateway_call_id text, raw_usage jsonb)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    id, created_at, recorded_at, replaced_at, request_id, user_id, org_id, api_key_id, trace_id, span_id, conversation_id, operation,
                    model_alias, provider, served_model, prompt_tokens, completion_tokens, cached_prompt_tokens, cache_write_tokens, reasoning_tokens,
                    audio_prompt_tokens, audio_completion_tokens, source, outcome, attempts, fallbacks, ttft_ms, duration_ms, gateway_call_id, raw_usage
                FROM ledger.llm_usage WHERE recorded_at <= instant
            $$;

            -- The provisional rows that stood at a time where another one stands now.
            CREATE FUNCTION ledger.usage_provisional(instant timestamptz) RETURNS TABLE (
                id uuid, created_at timestamptz, recorded_at timestamptz, replaced_at timestamptz, request_id uuid, user_id uuid, org_id uuid,
                api_key_id uuid, trace_id text, span_id text, conversation_id uuid, operation text, model_alias text, provider text, served_model text,
                prompt_tokens bigint, completion_tokens bigint, cached_prompt_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint,
                audio_prompt_tokens bigint, audio_completion_tokens bigint, source text, outcome text, attempts integer, fallbacks integer, ttft_ms
                integer, duration_ms integer, gateway_call_id text, raw_usage jsonb)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    id, created_at, provisional_recorded_at, NULL::timestamptz, request_id, user_id, org_id, api_key_id, trace_id, span_id, conversation_id,
                    operation, model_alias, NULL::text, NULL::text, 0::bigint, 0::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
                    'none'::text, 'interrupted'::text, NULL::integer, NULL::integer, NULL::integer, provisional_duration_ms, NULL::text, NULL::jsonb
                FROM ledger.llm_usage WHERE provisional_recorded_at <= instant AND recorded_at > instant
            $$;
            """;

        private const string Drop = """
            DROP FUNCTION ledger.usage_provisional(timestamptz);
            DROP FUNCTION ledger.usage_recorded(timestamptz);
            DROP INDEX ledger.ix_llm_usage_provisional;
            DROP TABLE ledger.usage_day_user;
            DROP TABLE ledger.usage_day_org;
            DROP TABLE ledger.usage_day;
            DROP AGGREGATE ledger.total(bigint);
            """;
    }
}
