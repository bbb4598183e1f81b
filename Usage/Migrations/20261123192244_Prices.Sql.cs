namespace LlmAspire.Usage.Migrations
{
    public partial class Prices
    {
        private const string Tables = """
            CREATE TABLE ledger.price_revision (
                id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_price_revision PRIMARY KEY,
                created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
                author text NOT NULL,
                reason text NOT NULL,
                source text NOT NULL,
                CONSTRAINT ck_price_revision_source CHECK (source IN ('manual', 'gateway', 'import'))
            );

            CREATE TABLE ledger.llm_price (
                revision_id bigint NOT NULL CONSTRAINT fk_llm_price_revision REFERENCES ledger.price_revision (id),
                provider text NOT NULL,
                model text NOT NULL,
                token_class text NOT NULL,
                effective_from timestamptz NOT NULL,
                usd_per_million numeric,
                CONSTRAINT pk_llm_price PRIMARY KEY (provider, model, token_class, effective_from, revision_id),
                CONSTRAINT ck_llm_price_names CHECK (length(provider) BETWEEN 1 AND 500 AND length(model) BETWEEN 1 AND 500),
                CONSTRAINT ck_llm_price_class CHECK (token_class IN (
                    'input', 'cached_input', 'cache_write', 'output', 'reasoning', 'audio_input', 'audio_output')),
                CONSTRAINT ck_llm_price_effective_from CHECK (
                    effective_from = date_trunc('hour', effective_from, 'UTC') AND effective_from BETWEEN '2000-01-01 00:00+00' AND '9999-01-01 00:00+00'),
                CONSTRAINT ck_llm_price_usd_per_million CHECK (
                    usd_per_million BETWEEN 0 AND 1000000 AND scale(usd_per_million) <= 12)
            );

            CREATE INDEX ix_llm_price_revision_id ON ledger.llm_price (revision_id);

            -- A revision that was read never changes, or reports that pin it would.
            CREATE FUNCTION ledger.refuse_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                RAISE object_not_in_prerequisite_state USING MESSAGE = format('%s is only added to', TG_TABLE_NAME), HINT = 'Make a new revision.';
            END $$;

            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.price_revision
            FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_price_change();

            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.llm_price
            FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_price_change();

            -- One after the other, before the number is taken: who sees a revision sees all before it.
            CREATE FUNCTION ledger.lock_price_revisions() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_advisory_xact_lock(hashtextextended('ledger.price_revision', 0));
                RETURN NULL;
            END $$;

            CREATE TRIGGER in_order BEFORE INSERT ON ledger.price_revision
            FOR EACH STATEMENT EXECUTE FUNCTION ledger.lock_price_revisions();

            -- A revision is whole when its transaction ends.
            CREATE FUNCTION ledger.refuse_late_price() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (
                    SELECT FROM added JOIN ledger.price_revision AS revision ON revision.id = added.revision_id
                    WHERE revision.xmin <> pg_current_xact_id()::xid)
                THEN
                    RAISE object_not_in_prerequisite_state USING MESSAGE = 'a revision takes no prices after its own transaction',
                        HINT = 'Make a new revision.';
                END IF;
                RETURN NULL;
            END $$;

            CREATE TRIGGER with_its_revision AFTER INSERT ON ledger.llm_price
            REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_late_price();
            """;

        // Plain SQL in one SELECT: PostgreSQL writes these functions, but the first, into the statement that calls them, with its conditions.
        private const string Functions = """
            -- The prices in force, as periods that do not overlap. Of two entries for one start the later revision counts; a manual price (or an
            -- imported one) goes before the gateway's. The price is null where neither has one. The draft, a list of entries, is read as if it were saved.
            -- Its setting keeps it out of the statements that call it: the planner could not tell how many periods there are, and would look
            -- through all of them for each row.
            CREATE FUNCTION ledger.price_periods(as_of_revision bigint DEFAULT NULL, draft jsonb DEFAULT NULL) RETURNS TABLE (
                provider text, model text, valid_from timestamptz, valid_to timestamptz, input numeric, output numeric, cached_input numeric,
                cache_write numeric, reasoning numeric, audio_input numeric, audio_output numeric)
            LANGUAGE sql STABLE PARALLEL SAFE ROWS 500 SET search_path = pg_catalog AS $$
                WITH entry AS (
                    SELECT DISTINCT ON (said.provider, said.model, said.token_class, said.layer, said.effective_from) said.*
                    FROM (
                        SELECT
                            price.provider, price.model, price.token_class, price.effective_from, price.usd_per_million, revision.id AS revision,
                            CASE revision.source WHEN 'gateway' THEN 'gateway' ELSE 'manual' END AS layer
                        FROM ledger.llm_price AS price JOIN ledger.price_revision AS revision ON revision.id = price.revision_id
                        WHERE as_of_revision IS NULL OR revision.id <= as_of_revision
                        UNION ALL
                        SELECT drafted.provider, drafted.model, drafted.token_class, drafted.effective_from, drafted.usd_per_million, 9223372036854775807, 'manual'
                        FROM jsonb_to_recordset(draft) AS drafted (
                            provider text, model text, token_class text, effective_from timestamptz, usd_per_million numeric)
                    ) AS said
                    ORDER BY said.provider, said.model, said.token_class, said.layer, said.effective_from, said.revision DESC
                ), span AS (
                    SELECT
                        entry.*,
                        lead(effective_from, 1, 'infinity') OVER (PARTITION BY provider, model, token_class, layer ORDER BY effective_from) AS effective_to
                    FROM entry
                ), period AS (
                    SELECT
                        provider, model, effective_from AS valid_from,
                        lead(effective_from, 1, 'infinity') OVER (PARTITION BY provider, model ORDER BY effective_from) AS valid_to
                    FROM (SELECT DISTINCT provider, model, effective_from FROM entry) AS start
                )
                SELECT
                    period.provider, period.model, period.valid_from, period.valid_to,
                    coalesce(
                        max(usd_per_million) FILTER (WHERE token_class = 'input' AND layer = 'manual'),
                        max(usd_per_million) FILTER (WHERE token_class = 'input' AND layer = 'gateway')),
                    coalesce(
                        max(usd_per_million) FILTER (WHERE token_class = 'output' AND layer = 'manual'),
                        max(usd_per_million) FILTER (WHERE token_class = 'output' AND layer = 'gateway')),
                    coalesce(
                        max(usd_per_million) FILTER (WHERE token_class = 'cached_input' AND layer = 'manual'),
                        max(usd_per_million) FILTER (WHERE token_class = 'cached_input' AND layer = 'gateway')),
                    coalesce(
                        max(usd_per_million) FILTER (WHERE token_class = 'cache_write' AND layer = 'manual'),
                        max(usd_per_million) FILTER (WHERE token_class = 'cache_write' AND layer = 'gateway')),
                    coalesce(
                        max(usd_per_million) FILTER (WHERE token_class = 'reasoning' AND layer = 'manual'),
                        max(usd_per_million) FILTER (WHERE token_class = 'reasoning' AND layer = 'gateway')),
                    coalesce(
                        max(usd_per_million) FILTER (WHERE token_class = 'audio_input' AND layer = 'manual'),
                        max(usd_per_million) FILTER (WHERE token_class = 'audio_input' AND layer = 'gateway')),
                    coalesce(
                        max(usd_per_million) FILTER (WHERE token_class = 'audio_output' AND layer = 'manual'),
                        max(usd_per_million) FILTER (WHERE token_class = 'audio_output' AND layer = 'gateway'))
                FROM period JOIN span ON span.provider = period.provider AND span.model = period.model
                    AND span.effective_from <= period.valid_from AND period.valid_from < span.effective_to
                GROUP BY period.provider, period.model, period.valid_from, period.valid_to
            $$;

            -- What tokens cost, in USD: exact, and linear in the tokens. Null when there are tokens and no price. A price needs input and output; a class
            -- without one of its own has that of its side.
            CREATE FUNCTION ledger.token_cost(
                prompt_tokens numeric, completion_tokens numeric, cached_prompt_tokens numeric, cache_write_tokens numeric, reasoning_tokens numeric,
                audio_prompt_tokens numeric, audio_completion_tokens numeric, input numeric, output numeric, cached_input numeric, cache_write numeric,
                reasoning numeric, audio_input numeric, audio_output numeric) RETURNS numeric
            LANGUAGE sql IMMUTABLE PARALLEL SAFE
            RETURN CASE
                WHEN prompt_tokens + completion_tokens = 0 THEN 0
                WHEN input IS NOT NULL AND output IS NOT NULL THEN 0.000001 * (
                    (prompt_tokens - cached_prompt_tokens - cache_write_tokens - audio_prompt_tokens) * input
                    + cached_prompt_tokens * coalesce(cached_input, input)
                    + cache_write_tokens * coalesce(cache_write, input)
                    + audio_prompt_tokens * coalesce(audio_input, input)
                    + (completion_tokens - reasoning_tokens - audio_completion_tokens) * output
                    + reasoning_tokens * coalesce(reasoning, output)
                    + audio_completion_tokens * coalesce(audio_output, output))
            END;

            -- The rows as they stood at a time, 'infinity' for now: without those that came later, and with the provisional ones that were replaced later.
            CREATE FUNCTION ledger.usage_as_of(instant timestamptz) RETURNS TABLE (
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
                UNION ALL
                SELECT
                    id, created_at, provisional_recorded_at, NULL, request_id, user_id, org_id, api_key_id, trace_id, span_id, conversation_id, operation,
                    model_alias, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, 'none', 'interrupted', NULL, NULL, NULL, provisional_duration_ms, NULL,
                    NULL
                FROM ledger.llm_usage WHERE provisional_recorded_at <= instant AND recorded_at > instant
            $$;

            -- The rows as they stood at a time, with what they cost at the prices of a revision: null when unpriced.
            CREATE FUNCTION ledger.call_cost(as_of_revision bigint, instant timestamptz) RETURNS TABLE (
                id uuid, created_at timestamptz, recorded_at timestamptz, replaced_at timestamptz, request_id uuid, user_id uuid, org_id uuid,
                api_key_id uuid, trace_id text, span_id text, conversation_id uuid, operation text, model_alias text, provider text, served_model text,
                prompt_tokens bigint, completion_tokens bigint, cached_prompt_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint,
                audio_prompt_tokens bigint, audio_completion_tokens bigint, source text, outcome text, attempts integer, fallbacks integer, ttft_ms
                integer, duration_ms integer, gateway_call_id text, raw_usage jsonb,
                cost_usd numeric, unpriced boolean)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                SELECT
                    usage.id, usage.created_at, usage.recorded_at, usage.replaced_at, usage.request_id, usage.user_id, usage.org_id, usage.api_key_id,
                    usage.trace_id, usage.span_id, usage.conversation_id, usage.operation, usage.model_alias, usage.provider, usage.served_model,
                    usage.prompt_tokens, usage.completion_tokens, usage.cached_prompt_tokens, usage.cache_write_tokens, usage.reasoning_tokens,
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

            -- The roll-ups with what they cost. Prices begin with an hour: an hour has one price.
            CREATE FUNCTION ledger.rollup_cost_org(as_of_revision bigint) RETURNS TABLE (
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
                    ON price.provider = rollup.provider AND price.model = rollup.served_model
                        AND price.valid_from <= rollup.hour AND rollup.hour < price.valid_to
            $$;

            CREATE FUNCTION ledger.rollup_cost_user(as_of_revision bigint) RETURNS TABLE (
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
                    ON price.provider = rollup.provider AND price.model = rollup.served_model
                        AND price.valid_from <= rollup.hour AND rollup.hour < price.valid_to
            $$;

            -- What was used from one hour to another and has no price.
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

            -- The newest revision and the newest time at which nothing can be recorded any more: a row gets its recorded_at when its transaction
            -- writes already, so those that write now have begun before what they record. Asked for before the snapshot of the report is made.
            CREATE FUNCTION ledger.newest_pin() RETURNS TABLE (price_revision bigint, recorded_at timestamptz)
            LANGUAGE plpgsql AS $$
            DECLARE
                asked timestamptz := clock_timestamp();
                oldest_writer timestamptz;
            BEGIN
                IF current_setting('transaction_isolation') <> 'read committed' THEN
                    RAISE object_not_in_prerequisite_state USING MESSAGE = 'a pin is asked for in read committed: an older snapshot may lack what it covers';
                END IF;
                PERFORM pg_stat_clear_snapshot();
                SELECT min(xact_start) INTO oldest_writer FROM pg_stat_activity
                WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid();
                RETURN QUERY SELECT
                    coalesce((SELECT max(revision.id) FROM ledger.price_revision AS revision), 0),
                    least(asked, oldest_writer) - interval '1 microsecond';
            END $$;
            """;

        private const string EmptyCalls = """
            UPDATE ledger.usage_rollup_org AS rollup SET empty_calls = counted.calls
            FROM (
                SELECT
                    date_trunc('hour', created_at, 'UTC') AS hour, org_id, operation, model_alias, coalesce(provider, '') AS provider,
                    coalesce(served_model, '') AS served_model, source, outcome, count(*) AS calls
                FROM ledger.llm_usage WHERE prompt_tokens + completion_tokens = 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
            ) AS counted
            WHERE (rollup.hour, rollup.org_id, rollup.operation, rollup.model_alias, rollup.provider, rollup.served_model, rollup.source, rollup.outcome)
                = (counted.hour, counted.org_id, counted.operation, counted.model_alias, counted.provider, counted.served_model, counted.source, counted.outcome);
            UPDATE ledger.usage_rollup_user AS rollup SET empty_calls = counted.calls
            FROM (
                SELECT
                    date_trunc('hour', created_at, 'UTC') AS hour, org_id, user_id, operation, model_alias, coalesce(provider, '') AS provider,
                    coalesce(served_model, '') AS served_model, source, outcome, count(*) AS calls
                FROM ledger.llm_usage WHERE prompt_tokens + completion_tokens = 0 GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
            ) AS counted
            WHERE (rollup.hour, rollup.org_id, rollup.user_id, rollup.operation, rollup.model_alias, rollup.provider, rollup.served_model, rollup.source,
                    rollup.outcome)
                = (counted.hour, counted.org_id, counted.user_id, counted.operation, counted.model_alias, counted.provider, counted.served_model,
                    counted.source, counted.outcome);
            """;

        private const string Drop = """
            DROP FUNCTION ledger.newest_pin();
            DROP FUNCTION ledger.unpriced_usage(bigint, timestamptz, timestamptz);
            DROP FUNCTION ledger.rollup_cost_user(bigint);
            DROP FUNCTION ledger.rollup_cost_org(bigint);
            DROP FUNCTION ledger.call_cost(bigint, timestamptz);
            DROP FUNCTION ledger.usage_as_of(timestamptz);
            DROP FUNCTION ledger.token_cost(
                numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric, numeric);
            DROP FUNCTION ledger.price_periods(bigint, jsonb);
            DROP TABLE ledger.llm_price;
            DROP TABLE ledger.price_revision;
            DROP FUNCTION ledger.refuse_late_price();
            DROP FUNCTION ledger.lock_price_revisions();
            DROP FUNCTION ledger.refuse_price_change();
            """;
    }
}
