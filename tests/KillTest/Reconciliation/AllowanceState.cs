using Npgsql;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>The allowance of an organisation, and what it has to be made of, all of one moment.</summary>
/// <param name="Used">As the allowance says.</param>
/// <param name="Reserved">As the allowance says.</param>
/// <param name="Rows">Tokens of the ledger's rows.</param>
/// <param name="OpenCalls">Tokens that the open calls reserve.</param>
/// <param name="Excused">
/// Those of them that the limit does not bound, as docs/plans.md has it: calls admitted while PostgreSQL was away, and rows whose call was given
/// up, its reserve with it, before its usage came.
/// </param>
internal sealed record AllowanceState(Guid Organisation, long Used, long Reserved, long Rows, long OpenCalls, long Excused)
{
    // Over all months: a run that goes on beyond the end of one may fail, none may pass for it.
    private const string Query = """
        SELECT organisation.id, coalesce(used, 0), coalesce(reserved, 0), coalesce(rows.tokens, 0), coalesce(calls.tokens, 0),
            coalesce(rows.excused, 0) + coalesce(calls.excused, 0)
        FROM unnest($1) AS organisation (id)
        LEFT JOIN LATERAL (
            SELECT sum(used_tokens)::bigint AS used, sum(reserved_tokens)::bigint AS reserved FROM ledger.allowance WHERE org_id = organisation.id
        ) AS allowance ON true
        LEFT JOIN LATERAL (
            SELECT sum(prompt_tokens + completion_tokens)::bigint AS tokens,
                (sum(prompt_tokens + completion_tokens) FILTER (WHERE replaced_at IS NOT NULL OR fits IS NOT true))::bigint AS excused
            FROM ledger.llm_usage LEFT JOIN public.opened USING (id) WHERE org_id = organisation.id
        ) AS rows ON true
        LEFT JOIN LATERAL (
            SELECT sum(reserved_prompt_tokens + reserved_completion_tokens)::bigint AS tokens,
                (sum(reserved_prompt_tokens + reserved_completion_tokens) FILTER (WHERE fits IS NOT true))::bigint AS excused
            FROM ledger.open_call LEFT JOIN public.opened USING (id) WHERE org_id = organisation.id
        ) AS calls ON true
        """;

    public static async Task<IReadOnlyList<AllowanceState>> ReadAsync(NpgsqlDataSource source, Guid[] organisations, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Query);
        command.Parameters.AddWithValue(organisations);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<AllowanceState> states = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            states.Add(new AllowanceState(
                reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5)));
        }

        return states;
    }

    /// <summary>What must never be, at whatever moment; null when nothing is wrong.</summary>
    public string? Check(long limit) =>
        Used != Rows ? $"{Used} tokens are booked, but the rows have {Rows}"
        : Reserved != OpenCalls ? $"{Reserved} tokens are reserved, but the open calls reserve {OpenCalls}"
        : Rows + OpenCalls > limit + Excused ? $"{Rows} tokens used and {OpenCalls} reserved, but the limit is {limit}, and {Excused} are excused"
        : null;
}
