namespace LlmAspire.Usage;

/// <summary>
/// The part that every statement has that writes rows and removes open calls: what it really wrote and removed goes into the sums and
/// the allowances, in the same statement. Keys are in order, so that two sessions seldom wait for each other in a circle. PostgreSQL runs the terms that
/// nobody reads from the last to the first: the allowance comes last, for that is what calls wait for that are being opened.
/// </summary>
internal static class BookingSql
{
    /// <summary>What the term <c>written</c> has to return of <c>llm_usage</c>.</summary>
    public const string WrittenColumns = """
        id, created_at, org_id, user_id, operation, model_alias, provider, served_model, source, outcome, prompt_tokens, completion_tokens,
        cached_prompt_tokens, cache_write_tokens, reasoning_tokens, audio_prompt_tokens, audio_completion_tokens, replaced_at IS NOT NULL AS replaced
        """;

    /// <summary>What the term <c>closed</c> has to return of <c>open_call</c>, at least.</summary>
    public const string ClosedColumns = "id, org_id, reserved_prompt_tokens, reserved_completion_tokens";

    /// <summary>
    /// Terms of a WITH clause that has <c>written</c> and <c>closed</c>. A replaced row was an interrupted one: a constraint says that it
    /// counted one call and no token.
    /// </summary>
    public static readonly string Book = $$"""
        changed AS (
            SELECT
                date_trunc('hour', created_at, 'UTC') AS hour, org_id, user_id, operation, model_alias, coalesce(provider, '') AS provider,
                coalesce(served_model, '') AS served_model, source, outcome, 1 AS calls, {{RollupSql.IsEmpty}} AS empty_calls, prompt_tokens, completion_tokens,
                coalesce(cached_prompt_tokens, 0) AS cached_prompt_tokens, coalesce(cache_write_tokens, 0) AS cache_write_tokens,
                coalesce(reasoning_tokens, 0) AS reasoning_tokens, coalesce(audio_prompt_tokens, 0) AS audio_prompt_tokens,
                coalesce(audio_completion_tokens, 0) AS audio_completion_tokens
            FROM written
            UNION ALL
            SELECT
                date_trunc('hour', created_at, 'UTC'), org_id, user_id, operation, model_alias, '', '', 'none', 'interrupted', -1, -1, 0, 0, 0, 0, 0, 0, 0
            FROM written WHERE replaced
        ), by_user AS MATERIALIZED (
            SELECT {{RollupSql.UserKeys}}, {{RollupSql.Sums}} FROM changed GROUP BY {{RollupSql.UserKeys}}
        ), booked AS (
            INSERT INTO ledger.allowance AS allowance (org_id, month, used_tokens, reserved_tokens)
            SELECT org_id, month, sum(used)::bigint, sum(reserved)::bigint
            FROM (
                SELECT org_id, {{RollupSql.MonthOf("hour")}} AS month, prompt_tokens + completion_tokens AS used, 0 AS reserved FROM by_user
                UNION ALL
                SELECT org_id, {{RollupSql.MonthOf("ledger.uuid_v7_time(id)")}}, 0, -(reserved_prompt_tokens + reserved_completion_tokens) FROM closed
            ) AS change
            GROUP BY org_id, month ORDER BY org_id, month
            ON CONFLICT (org_id, month) DO UPDATE SET
                used_tokens = allowance.used_tokens + excluded.used_tokens, reserved_tokens = allowance.reserved_tokens + excluded.reserved_tokens
        ), dated AS (
            {{DaySql.Touch("SELECT DISTINCT (hour AT TIME ZONE 'UTC')::date FROM by_user")}}
        ), summed_by_org AS (
            INSERT INTO ledger.usage_rollup_org AS rollup ({{RollupSql.OrgKeys}}, {{RollupSql.Values}})
            SELECT {{RollupSql.OrgKeys}}, {{RollupSql.Sums}} FROM by_user GROUP BY {{RollupSql.OrgKeys}} ORDER BY {{RollupSql.OrgKeys}}
            ON CONFLICT ({{RollupSql.OrgKeys}}) DO UPDATE SET {{RollupSql.Add}}
        ), summed_by_user AS (
            INSERT INTO ledger.usage_rollup_user AS rollup ({{RollupSql.UserKeys}}, {{RollupSql.Values}})
            SELECT {{RollupSql.UserKeys}}, {{RollupSql.Values}} FROM by_user ORDER BY {{RollupSql.UserKeys}}
            ON CONFLICT ({{RollupSql.UserKeys}}) DO UPDATE SET {{RollupSql.Add}}
        )
        """;
}
