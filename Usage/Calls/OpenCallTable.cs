using Npgsql;
using static NpgsqlTypes.NpgsqlDbType;

namespace LlmAspire.Usage;

/// <summary>Writes open calls into PostgreSQL. Safe to call from any thread; writing a call twice is harmless.</summary>
internal sealed class OpenCallTable
{
    private static readonly SqlColumns<OpenCall> Common = new(
        new SqlColumn<OpenCall, Guid>("id", Uuid, call => call.Id),
        new SqlColumn<OpenCall, Guid>("request_id", Uuid, call => call.RequestId),
        new SqlColumn<OpenCall, Guid>("user_id", Uuid, call => call.UserId),
        new SqlColumn<OpenCall, Guid>("org_id", Uuid, call => call.OrgId),
        new SqlColumn<OpenCall, Guid?>("api_key_id", Uuid, call => call.ApiKeyId),
        new SqlColumn<OpenCall, Guid?>("conversation_id", Uuid, call => call.ConversationId),
        new SqlColumn<OpenCall, string>("operation", Text, call => call.Operation.ToString().ToLowerInvariant()),
        new SqlColumn<OpenCall, string?>("traceparent", Text, call => SqlText.Storable(call.Traceparent)),
        new SqlColumn<OpenCall, string?>("model_alias", Text, call => SqlText.Storable(call.ModelAlias)),
        new SqlColumn<OpenCall, long>("reserved_prompt_tokens", Bigint, call => call.ReservedPromptTokens),
        new SqlColumn<OpenCall, long>("reserved_completion_tokens", Bigint, call => call.ReservedCompletionTokens));

    private readonly NpgsqlDataSource _source;
    private readonly SqlColumns<OpenCall> _columns;
    private readonly string _openMany;
    private readonly string _openOne;

    public OpenCallTable(NpgsqlDataSource source, RunningCalls running)
    {
        _source = source;
        _columns = Common.With(new SqlColumn<OpenCall, Guid>("instance_id", Uuid, _ => running.InstanceId));
        _openMany = Open($"SELECT * FROM unnest({_columns.Numbers})", "sum(reserved)::bigint", "GROUP BY org_id, month ORDER BY org_id, month");
        // By far the most frequent, and a call waits for it: without a table for each array, and without sums.
        _openOne = Open($"VALUES ({_columns.Numbers})", "reserved", "");
    }

    /// <exception cref="NpgsqlException">When PostgreSQL does not take them; when its answer was lost they may be there.</exception>
    public Task InsertAsync(IReadOnlyList<OpenCall> calls, CancellationToken cancellationToken) =>
        LostRaces.RetryAsync(() => InsertOnceAsync(calls, cancellationToken));

    private async Task<int> InsertOnceAsync(IReadOnlyList<OpenCall> calls, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(calls.Count == 1 ? _openOne : _openMany, connection);
        command.Parameters.AddRange((calls is [var one] ? _columns.ParametersOf(one) : _columns.ParametersOf(calls)).ToArray());
        // A call waits for this one: planned once a connection, which is most of what the server would do for it.
        await command.PrepareAsync(cancellationToken);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>One statement, so one transaction and one round trip. What is there already reserves nothing.</summary>
    private string Open(string calls, string sum, string grouping) => $"""
        WITH opened AS (
            INSERT INTO ledger.open_call ({_columns.Names}) {calls}
            ON CONFLICT (id) DO NOTHING
            RETURNING org_id, {RollupSql.MonthOf("ledger.uuid_v7_time(id)")} AS month, reserved_prompt_tokens + reserved_completion_tokens AS reserved
        )
        INSERT INTO ledger.allowance AS allowance (org_id, month, used_tokens, reserved_tokens)
        SELECT org_id, month, 0, {sum} FROM opened {grouping}
        ON CONFLICT (org_id, month) DO UPDATE SET reserved_tokens = allowance.reserved_tokens + excluded.reserved_tokens
        """;
}
