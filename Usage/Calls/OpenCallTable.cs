using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>Writes open calls into PostgreSQL. Safe to call from any thread; writing a call twice is harmless.</summary>
internal sealed class OpenCallTable(NpgsqlDataSource source, RunningCalls running)
{
    // What is there already reserves nothing. One statement, so one transaction and one round trip.
    private static readonly string Open = $"""
        WITH opened AS (
            INSERT INTO ledger.open_call (
                id, request_id, user_id, org_id, api_key_id, conversation_id, operation, traceparent, model_alias, reserved_prompt_tokens,
                reserved_completion_tokens, instance_id)
            SELECT call.*, $12 FROM unnest(
                $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[]) AS call
            ON CONFLICT (id) DO NOTHING
            RETURNING id, org_id, reserved_prompt_tokens + reserved_completion_tokens AS reserved
        )
        INSERT INTO ledger.allowance AS allowance (org_id, month, used_tokens, reserved_tokens)
        SELECT org_id, {RollupSql.MonthOf("ledger.uuid_v7_time(id)")} AS month, 0, sum(reserved)::bigint FROM opened GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (org_id, month) DO UPDATE SET reserved_tokens = allowance.reserved_tokens + excluded.reserved_tokens
        """;

    /// <exception cref="NpgsqlException">When PostgreSQL does not take them; when its answer was lost they may be there.</exception>
    public Task InsertAsync(IReadOnlyList<OpenCall> calls, CancellationToken cancellationToken) =>
        LostRaces.RetryAsync(() => InsertOnceAsync(calls, cancellationToken));

    private async Task<int> InsertOnceAsync(IReadOnlyList<OpenCall> calls, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(Open, connection);
        Add(NpgsqlDbType.Uuid, call => call.Id);
        Add(NpgsqlDbType.Uuid, call => call.RequestId);
        Add(NpgsqlDbType.Uuid, call => call.UserId);
        Add(NpgsqlDbType.Uuid, call => call.OrgId);
        Add(NpgsqlDbType.Uuid, call => call.ApiKeyId);
        Add(NpgsqlDbType.Uuid, call => call.ConversationId);
        Add(NpgsqlDbType.Text, call => call.Operation.ToString().ToLowerInvariant());
        Add(NpgsqlDbType.Text, call => call.Traceparent?.Replace('\0', '\uFFFD'));
        Add(NpgsqlDbType.Text, call => call.ModelAlias.Replace('\0', '\uFFFD'));
        Add(NpgsqlDbType.Bigint, call => call.ReservedPromptTokens);
        Add(NpgsqlDbType.Bigint, call => call.ReservedCompletionTokens);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = running.InstanceId });
        // A call waits for this one: planned once a connection, which is most of what the server would do for it.
        await command.PrepareAsync(cancellationToken);
        return await command.ExecuteNonQueryAsync(cancellationToken);

        void Add<T>(NpgsqlDbType type, Func<OpenCall, T> value) =>
            command.Parameters.Add(new NpgsqlParameter { Value = calls.Select(value).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type });
    }
}
