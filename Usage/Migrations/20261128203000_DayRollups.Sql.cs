namespace LlmAspire.Usage.Migrations
{
    public partial class DayRollups
    {
        private const string Create = """
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

        private const string Drop = """
            DROP TABLE ledger.usage_day_user;
            DROP TABLE ledger.usage_day_org;
            DROP TABLE ledger.usage_day;
            DROP AGGREGATE ledger.total(bigint);
            """;
    }
}
