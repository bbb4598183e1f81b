using Npgsql;
using static NpgsqlTypes.NpgsqlDbType;

namespace LlmAspire.Usage;

/// <summary>Writes open calls into PostgreSQL. Safe to call from any thread; writing a call twice is harmless: it reserves once.</summary>
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

    private static readonly string Month = RollupSql.MonthOf("ledger.uuid_v7_time(id)");

    private readonly NpgsqlDataSource _source;
    private readonly SqlColumns<OpenCall> _parameters;
    private readonly string _openOne;
    private readonly string _openMany;

    public OpenCallTable(NpgsqlDataSource source, RunningCalls running)
    {
        _source = source;
        var columns = Common.With(new SqlColumn<OpenCall, Guid>("instance_id", Uuid, _ => running.InstanceId));
        _parameters = columns.With(new SqlColumn<OpenCall, long?>("allowance_limit", Bigint, call => call.AllowanceLimit));
        _openOne = OpenOne(columns.Names);
        _openMany = OpenMany(columns.Names);
    }

    /// <summary>Opens the calls, in their order, as far as the limits of their organisations allow.</summary>
    /// <param name="see">Is told what the organisations have used and reserved with these calls.</param>
    /// <returns>Those that were refused, by the call's id.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL does not take them; when its answer was lost they may be there.</exception>
    public async Task<IReadOnlyDictionary<Guid, AllowanceExceededException>> InsertAsync(
        IReadOnlyList<OpenCall> calls, CancellationToken cancellationToken, Action<OrgAccount>? see = null)
    {
        Dictionary<Guid, AllowanceExceededException> refused = [];
        if (calls is [var one] && await RetryAsync(() => TryInsertOneAsync(one, see, cancellationToken)))
        {
            return refused;
        }

        var left = calls.DistinctBy(call => call.Id).ToDictionary(call => call.Id);
        while (left.Count > 0)
        {
            var notOpened = await RetryAsync(() => InsertManyAsync(left, see, cancellationToken));
            left = [];
            foreach (var (call, exceeded) in notOpened)
            {
                if (exceeded is null)
                {
                    left.Add(call.Id, call);
                }
                else
                {
                    refused.Add(call.Id, exceeded);
                }
            }
        }

        if (refused.Count > 0)
        {
            foreach (var there in await FindAsync([.. refused.Keys], cancellationToken))
            {
                refused.Remove(there);
            }
        }

        return refused;
    }

    private static Task<T> RetryAsync<T>(Func<Task<T>> transaction) => LostRaces.RetryAsync(transaction, SqlErrors.IsDuplicate);

    /// <summary>
    /// A call that another transaction opened while the statement waited for the allowance was not there when the statement began, and does not fit beside
    /// itself.
    /// </summary>
    private async Task<List<Guid>> FindAsync(Guid[] calls, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand("SELECT id FROM ledger.open_call WHERE id = ANY($1)");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = calls });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<Guid> found = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(reader.GetGuid(0));
        }

        return found;
    }

    /// <returns>False when it does not fit.</returns>
    private async Task<bool> TryInsertOneAsync(OpenCall call, Action<OrgAccount>? see, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(_openOne, connection);
        command.Parameters.AddRange(_parameters.ParametersOf(call).ToArray());
        // A call waits for this one: planned once a connection, which is most of what the server would do for it.
        await command.PrepareAsync(cancellationToken);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        if (!await reader.IsDBNullAsync(1, cancellationToken))
        {
            see?.Invoke(new OrgAccount(call.OrgId, await reader.GetFieldValueAsync<DateOnly>(1, cancellationToken), reader.GetInt64(2), reader.GetInt64(3)));
        }

        return reader.GetBoolean(0);
    }

    /// <returns>
    /// Those that were not opened. Without a reason they are to be tried again: they would fit, but not beside others before them that were not
    /// opened either, or the row of their month has just been made.
    /// </returns>
    private async Task<List<(OpenCall Call, AllowanceExceededException? Exceeded)>> InsertManyAsync(
        Dictionary<Guid, OpenCall> calls, Action<OrgAccount>? see, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken);
        await using var command = new NpgsqlCommand(_openMany, connection);
        command.Parameters.AddRange(_parameters.ParametersOf([.. calls.Values]).ToArray());
        await command.PrepareAsync(cancellationToken);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<(OpenCall, AllowanceExceededException?)> notOpened = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            var (month, used, reserved) = (await reader.GetFieldValueAsync<DateOnly>(1, cancellationToken), reader.GetInt64(2), reader.GetInt64(3));
            if (await reader.IsDBNullAsync(0, cancellationToken))
            {
                see?.Invoke(new OrgAccount(reader.GetGuid(4), month, used, reserved));
                continue;
            }

            var call = calls[reader.GetGuid(0)];
            var need = call.ReservedPromptTokens + call.ReservedCompletionTokens;
            notOpened.Add((call, call.AllowanceLimit is { } limit && used + reserved + need > limit
                ? new AllowanceExceededException(month, limit, used, reserved, need)
                : null));
        }

        return notOpened;
    }

    /// <summary>
    /// By far the most frequent, and a call waits for it. One statement, so one transaction and one round trip: who does not fit has no reserve and no
    /// open call. <c>ON CONFLICT … WHERE</c> looks at the row as it is when it is locked, whoever changed it meanwhile. A call that is there
    /// already reserves nothing.
    /// </summary>
    private string OpenOne(string columns) => $"""
        WITH call ({_parameters.Names}) AS (
            VALUES ({_parameters.Numbers})
        ), missing AS (
            {Missing}
        ), reserved AS (
            INSERT INTO ledger.allowance AS allowance (org_id, month, used_tokens, reserved_tokens)
            SELECT org_id, month, 0, need FROM missing WHERE allowance_limit IS NULL OR need <= allowance_limit
            ON CONFLICT (org_id, month) DO UPDATE SET reserved_tokens = allowance.reserved_tokens + excluded.reserved_tokens
                WHERE (SELECT allowance_limit IS NULL OR allowance.used_tokens + allowance.reserved_tokens + need <= allowance_limit FROM missing)
            RETURNING org_id, month, used_tokens, reserved_tokens
        ), opened AS (
            INSERT INTO ledger.open_call ({columns}) SELECT {columns} FROM missing JOIN reserved USING (org_id) RETURNING id
        )
        SELECT NOT EXISTS (SELECT FROM missing) OR EXISTS (SELECT FROM opened), month, used_tokens, reserved_tokens
        FROM (VALUES (1)) AS one LEFT JOIN reserved ON true
        """;

    /// <summary>
    /// Rows without a call are what the organisations have used and reserved with them. Admits in the calls' order, each beside all before it. The rows of the allowance are locked first, which shows them as they are then. A row that another
    /// transaction made since this one began could not be locked: those calls come back, to be tried again. So do those that did not
    /// fit, with the allowance as it is afterwards.
    /// </summary>
    private string OpenMany(string columns) => $"""
        WITH call ({_parameters.Names}, position) AS (
            SELECT * FROM unnest({_parameters.Numbers}) WITH ORDINALITY
        ), missing AS MATERIALIZED (
            SELECT *, sum(need) OVER (PARTITION BY org_id, month ORDER BY position) AS need_so_far FROM ({Missing}) AS missing
        ), locked AS MATERIALIZED (
            SELECT org_id, month, used_tokens, reserved_tokens
            FROM ledger.allowance AS allowance JOIN (SELECT DISTINCT org_id, month FROM missing) AS wanted USING (org_id, month)
            ORDER BY org_id, month FOR UPDATE OF allowance
        ), fitting AS MATERIALIZED (
            SELECT missing.* FROM missing LEFT JOIN locked USING (org_id, month)
            WHERE allowance_limit IS NULL OR coalesce(used_tokens + reserved_tokens, 0) + need_so_far <= allowance_limit
        ), reserved AS (
            INSERT INTO ledger.allowance AS allowance (org_id, month, used_tokens, reserved_tokens)
            SELECT org_id, month, 0, sum(need)::bigint FROM fitting GROUP BY org_id, month ORDER BY org_id, month
            ON CONFLICT (org_id, month) DO UPDATE SET reserved_tokens = allowance.reserved_tokens + excluded.reserved_tokens
                WHERE EXISTS (SELECT FROM locked WHERE locked.org_id = allowance.org_id AND locked.month = allowance.month)
            RETURNING org_id, month, used_tokens, reserved_tokens
        ), opened AS (
            INSERT INTO ledger.open_call ({columns}) SELECT {columns} FROM fitting JOIN reserved USING (org_id, month) RETURNING id
        )
        SELECT
            id, month, coalesce(reserved.used_tokens, locked.used_tokens, 0) AS used_tokens,
            coalesce(reserved.reserved_tokens, locked.reserved_tokens, 0) AS reserved_tokens, org_id
        FROM missing LEFT JOIN locked USING (org_id, month) LEFT JOIN reserved USING (org_id, month)
        WHERE id NOT IN (SELECT id FROM opened)
        UNION ALL SELECT NULL, month, used_tokens, reserved_tokens, org_id FROM reserved
        """;

    /// <summary>OFFSET has each call looked for by its id: else the plan, made when few are open, may read all that are.</summary>
    private static string Missing => $"""
        SELECT *, {Month} AS month, reserved_prompt_tokens + reserved_completion_tokens AS need
        FROM call WHERE NOT EXISTS (SELECT FROM ledger.open_call AS there WHERE there.id = call.id OFFSET 0)
        """;
}
