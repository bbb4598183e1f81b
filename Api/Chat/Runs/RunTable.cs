using LlmAspire.Api.Unicode;
using LlmAspire.Usage;
using Npgsql;
using static NpgsqlTypes.NpgsqlDbType;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>Writes records of runs into PostgreSQL, any number in one transaction. Safe to call from any thread.</summary>
internal sealed class RunTable(NpgsqlDataSource source)
{
    /// <summary>Where the ids of runs are told that have something new, separated by commas.</summary>
    public const string Channel = "tenant_run";

    /// <summary>What a notification can hold is 8,000 bytes.</summary>
    private const int NotifiedTogether = 200;

    private static readonly SqlColumns<RunStart> Starts = new(
        new SqlColumn<RunStart, Guid>("run_id", Uuid, run => run.RunId),
        new SqlColumn<RunStart, Guid>("instance_id", Uuid, run => run.InstanceId),
        new SqlColumn<RunStart, Guid>("request_id", Uuid, run => run.RequestId),
        new SqlColumn<RunStart, Guid>("org_id", Uuid, run => run.OrgId),
        new SqlColumn<RunStart, Guid>("user_id", Uuid, run => run.UserId),
        new SqlColumn<RunStart, Guid>("conversation_id", Uuid, run => run.ConversationId),
        new SqlColumn<RunStart, string?>("title", Text, run => SqlText.Storable(run.Title)),
        new SqlColumn<RunStart, Guid>("user_message_id", Uuid, run => run.UserMessageId),
        new SqlColumn<RunStart, string?>("user_message", Text, run => SqlText.Storable(run.UserMessage)),
        new SqlColumn<RunStart, Guid?>("user_parent_id", Uuid, run => run.UserParentId),
        new SqlColumn<RunStart, Guid>("message_id", Uuid, run => run.MessageId),
        new SqlColumn<RunStart, string?>("model", Text, run => SqlText.Storable(run.Model)),
        new SqlColumn<RunStart, string>("trace_id", Text, run => SqlText.Storable(run.TraceId)!),
        new SqlColumn<RunStart, DateTimeOffset>("at", TimestampTz, run => run.At.ToUniversalTime()),
        new SqlColumn<RunStart, string?>("tools", Jsonb, run => StorableJson(run.Tools)),
        new SqlColumn<RunStart, Guid?>("prompt_id", Uuid, run => run.Prompt?.Id),
        new SqlColumn<RunStart, int?>("prompt_version", Integer, run => run.Prompt?.Version),
        new SqlColumn<RunStart, string?>("prompt_name", Text, run => SqlText.Storable(run.Prompt?.Name)),
        new SqlColumn<RunStart, string?>("prompt_text", Text, run => SqlText.Storable(run.Prompt?.Text)),
        new SqlColumn<RunStart, bool>("together", NpgsqlTypes.NpgsqlDbType.Boolean, run => run.Together));

    private static readonly SqlColumns<RunEvents> Batches = new(
        new SqlColumn<RunEvents, Guid>("run_id", Uuid, batch => batch.RunId),
        new SqlColumn<RunEvents, int>("attempt", Integer, batch => batch.Attempt),
        new SqlColumn<RunEvents, int>("first_sequence", Integer, batch => batch.First),
        new SqlColumn<RunEvents, int>("last_sequence", Integer, batch => batch.Last),
        new SqlColumn<RunEvents, string>("text", Text, batch => SqlText.Storable(batch.Text)!),
        new SqlColumn<RunEvents, string>("events", Jsonb, batch => StorableJson(batch.Events)!));

    private static readonly SqlColumns<RunEnd> Ends = new(
        new SqlColumn<RunEnd, Guid>("run_id", Uuid, end => end.RunId),
        new SqlColumn<RunEnd, int>("attempt", Integer, end => end.LastEvents.Attempt),
        new SqlColumn<RunEnd, Guid>("message_id", Uuid, end => end.MessageId),
        new SqlColumn<RunEnd, string>("status", Text, end => end.Status.ToString().ToLowerInvariant()),
        new SqlColumn<RunEnd, string?>("finish_reason", Text, end => SqlText.Storable(end.FinishReason)),
        new SqlColumn<RunEnd, string>("content", Text, end => SqlText.Storable(end.Content)!),
        new SqlColumn<RunEnd, string?>("error", Jsonb, end => StorableJson(end.Error)),
        new SqlColumn<RunEnd, string>("usage", Jsonb, end => StorableJson(end.Usage)!),
        new SqlColumn<RunEnd, string>("trace_id", Text, end => SqlText.Storable(end.TraceId)!),
        new SqlColumn<RunEnd, DateTimeOffset>("at", TimestampTz, end => end.At.ToUniversalTime()),
        new SqlColumn<RunEnd, string?>("tools", Jsonb, end => StorableJson(end.Tools)));

    private static readonly SqlColumns<RunEnd> Forgotten = new(
        new SqlColumn<RunEnd, Guid>("run_id", Uuid, end => end.RunId),
        new SqlColumn<RunEnd, Guid>("message_id", Uuid, end => end.MessageId),
        new SqlColumn<RunEnd, Guid>("conversation_id", Uuid, end => end.Forget!.ConversationId),
        new SqlColumn<RunEnd, bool>("conversation", NpgsqlTypes.NpgsqlDbType.Boolean, end => end.Forget!.Conversation),
        new SqlColumn<RunEnd, Guid?>("user_message_id", Uuid, end => end.Forget!.UserMessageId),
        new SqlColumn<RunEnd, Guid?>("current_id", Uuid, end => end.Forget!.Current));

    private static readonly SqlColumns<RunChosen> Chosen = new(
        new SqlColumn<RunChosen, Guid>("conversation_id", Uuid, chosen => chosen.ConversationId),
        new SqlColumn<RunChosen, Guid>("message_id", Uuid, chosen => chosen.MessageId));

    private static readonly string AddConversations = $"""
        INSERT INTO tenant.conversation (id, org_id, user_id, title, title_source, pinned, archived, created_at, updated_at,
            prompt_id, prompt_version, prompt_name, prompt_text)
        SELECT conversation_id, org_id, user_id, title, 'fallback', false, false, at, at, prompt_id, prompt_version, prompt_name, prompt_text
        FROM unnest({Starts.Numbers}) AS started ({Starts.Names}) WHERE title IS NOT NULL
        ON CONFLICT (id) DO NOTHING
        """;

    // A conversation that was deleted meanwhile, or is somebody else's, takes no messages; nor does a second writing change what is current. Of answers that
    // are made together the first one is.
    private static readonly string AddRuns = $"""
        WITH started AS MATERIALIZED (
            SELECT started.* FROM unnest({Starts.Numbers}) AS started ({Starts.Names})
            JOIN tenant.conversation AS owned ON owned.id = started.conversation_id AND owned.user_id = started.user_id AND owned.org_id = started.org_id
        ), said AS (
            INSERT INTO tenant.message (id, conversation_id, org_id, user_id, parent_id, role, content, status, trace_id, created_at)
            SELECT user_message_id, conversation_id, org_id, user_id, user_parent_id, 'user', user_message, 'complete', trace_id, at
            FROM started WHERE user_message IS NOT NULL ON CONFLICT (id) DO NOTHING
        ), answer AS (
            INSERT INTO tenant.message (id, conversation_id, org_id, user_id, parent_id, role, content, model, status, trace_id, created_at)
            SELECT message_id, conversation_id, org_id, user_id, user_message_id, 'assistant', '', model, 'running', trace_id, at
            FROM started ON CONFLICT (id) DO NOTHING RETURNING id
        ), run AS (
            INSERT INTO tenant.run (id, org_id, user_id, conversation_id, message_id, attempt, state, instance_id, stop_requested, request_id, tools)
            SELECT run_id, org_id, user_id, conversation_id, message_id, 1, 'running', instance_id, false, request_id, tools
            FROM started ON CONFLICT DO NOTHING
        )
        UPDATE tenant.conversation AS conversation SET current_message_id = message_id, updated_at = at
        FROM (SELECT DISTINCT ON (conversation_id) started.* FROM started JOIN answer ON answer.id = message_id ORDER BY conversation_id, message_id) AS begun
        WHERE conversation.id = begun.conversation_id
            AND NOT (together AND EXISTS (
                SELECT FROM tenant.message AS sibling WHERE sibling.id = current_message_id AND sibling.parent_id = begun.user_message_id))
        """;

    /// <summary>
    /// Whoever still writes lives, or what it left on its disk does: that its run was given up was premature. Unless somebody has continued it, which
    /// made another attempt of it.
    /// </summary>
    private const string Reopen = $$"""
        WITH alive AS MATERIALIZED (
            SELECT run.id, run.attempt, run.message_id FROM unnest($1, $2) AS written (run_id, attempt)
            JOIN tenant.run AS run ON run.id = written.run_id AND run.attempt = written.attempt
            WHERE run.state = 'interrupted' ORDER BY run.id FOR NO KEY UPDATE OF run
        ), given_up AS (
            DELETE FROM tenant.run_batch USING alive
            WHERE run_id = alive.id AND run_batch.attempt = alive.attempt AND events @> '[{"data": {"code": "{{RunError.InterruptedCode}}"} }]'
            RETURNING alive.id, alive.message_id
        ), reopened AS (
            UPDATE tenant.run AS run SET state = 'running', ended_at = NULL FROM given_up WHERE run.id = given_up.id
        )
        UPDATE tenant.message SET status = 'running', error = NULL FROM given_up WHERE message.id = given_up.message_id
        """;

    /// <summary>The lock keeps a sweep away until the batch is committed: whoever has the run writes.</summary>
    private const string Mine = """
        SELECT run.id, run.attempt FROM tenant.run AS run
        JOIN written ON written.run_id = run.id AND written.attempt = run.attempt
        WHERE run.state = 'running' ORDER BY run.id FOR NO KEY UPDATE OF run
        """;

    private static readonly string AddBatches = $"""
        WITH written AS MATERIALIZED (SELECT * FROM unnest({Batches.Numbers}) AS written ({Batches.Names})), mine AS MATERIALIZED ({Mine})
        INSERT INTO tenant.run_batch (run_id, attempt, first_sequence, last_sequence, text, events)
        SELECT run_id, written.attempt, first_sequence, last_sequence, text, events
        FROM written JOIN mine ON mine.id = run_id AND mine.attempt = written.attempt
        ON CONFLICT DO NOTHING
        """;

    private static readonly string EndRuns = $"""
        WITH written AS MATERIALIZED (SELECT * FROM unnest({Ends.Numbers}) AS written ({Ends.Names})), mine AS MATERIALIZED ({Mine}),
        ended AS (
            UPDATE tenant.run AS run SET state = status, ended_at = now()
            FROM written JOIN mine ON mine.id = run_id AND mine.attempt = written.attempt
            WHERE run.id = mine.id RETURNING run.conversation_id, written.*
        ), answered AS (
            UPDATE tenant.message AS message SET content = ended.content, status = ended.status, finish_reason = ended.finish_reason,
                error = ended.error, usage = coalesce(message.usage, '[]') || ended.usage, trace_id = ended.trace_id,
                tools = ended.tools
            FROM ended WHERE message.id = ended.message_id
        )
        UPDATE tenant.conversation AS conversation SET updated_at = greatest(updated_at, at) FROM ended WHERE conversation.id = ended.conversation_id
        """;

    // The run goes with its message.
    private static readonly string ForgetRuns = $"""
        WITH forgotten AS MATERIALIZED (SELECT * FROM unnest({Forgotten.Numbers}) AS forgotten ({Forgotten.Names})),
        restored AS (
            UPDATE tenant.conversation AS one SET current_message_id = current_id
            FROM forgotten WHERE one.id = conversation_id AND NOT conversation AND one.current_message_id = message_id
        ), messages AS (
            DELETE FROM tenant.message USING forgotten
            WHERE NOT conversation AND (message.id = forgotten.message_id OR message.id = forgotten.user_message_id)
        )
        DELETE FROM tenant.conversation AS one USING forgotten WHERE one.id = conversation_id AND conversation
        """;

    private static readonly string Choose = $"""
        UPDATE tenant.conversation AS conversation SET current_message_id = chosen.message_id
        FROM unnest({Chosen.Numbers}) AS chosen ({Chosen.Names}) JOIN tenant.message AS answer ON answer.id = chosen.message_id
        WHERE conversation.id = chosen.conversation_id AND EXISTS (
            SELECT FROM tenant.message AS sibling WHERE sibling.id = current_message_id AND sibling.parent_id = answer.parent_id)
        """;

    private const string Verdicts = """
        SELECT written.run_id, written.attempt, run.id IS NOT NULL, coalesce(run.stop_requested, false)
        FROM unnest($1, $2) AS written (run_id, attempt)
        LEFT JOIN tenant.run AS run ON run.id = written.run_id AND run.attempt = written.attempt AND run.state = 'running'
        """;

    private const string Notify = $"SELECT pg_notify('{Channel}', ids) FROM unnest($1) AS ids";

    /// <summary>Writes them all or none.</summary>
    /// <returns>Of the runs that have not ended: whether they are still their owner's.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL does not take them; when its answer was lost they may be there.</exception>
    public Task<IReadOnlyList<RunVerdict>> WriteAsync(IReadOnlyList<RunRecord> records, CancellationToken cancellationToken) =>
        LostRaces.RetryAsync(() => WriteOnceAsync(records, cancellationToken));

    /// <summary>Takes a run up again, for this process. Of several who try, one does.</summary>
    /// <returns>Whether it is taken: it is over, and at this attempt.</returns>
    public async Task<bool> ContinueAsync(Guid runId, int attempt, Guid instanceId, Guid requestId, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("""
            WITH taken AS (
                UPDATE tenant.run SET attempt = attempt + 1, state = 'running', instance_id = $3, request_id = $4,
                    stop_requested = false, started_at = now(), ended_at = NULL
                WHERE id = $1 AND attempt = $2 AND state IN ('interrupted', 'stopped') RETURNING message_id
            )
            UPDATE tenant.message SET status = 'running', finish_reason = NULL, error = NULL FROM taken WHERE message.id = taken.message_id
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = runId });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = attempt });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = instanceId });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = requestId });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>Tells every process of runs that have something new.</summary>
    public async Task NotifyAsync(IEnumerable<Guid> runs, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Notify);
        command.Parameters.Add(ToNotify(runs));
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<IReadOnlyList<RunVerdict>> WriteOnceAsync(IReadOnlyList<RunRecord> records, CancellationToken cancellationToken)
    {
        RunEnd[] ends = [.. records.OfType<RunEnd>()];
        RunEnd[] forgotten = [.. ends.Where(end => end.Forget is not null)];
        RunEvents[] batches = [.. records.OfType<RunEvents>(), .. ends.Select(end => end.LastEvents).Where(last => last.Last >= last.First)];

        // What is sent in one go is one transaction.
        await using var batch = source.CreateBatch();
        Add(batch, AddConversations, Starts, [.. records.OfType<RunStart>()]);
        Add(batch, AddRuns, Starts, [.. records.OfType<RunStart>()]);
        if (batches.Length > 0)
        {
            batch.BatchCommands.Add(ToCommand(Reopen, batches));
        }

        Add(batch, AddBatches, Batches, batches);
        Add(batch, EndRuns, Ends, ends);
        Add(batch, ForgetRuns, Forgotten, forgotten);
        Add(batch, Choose, Chosen, [.. records.OfType<RunChosen>()]);
        batch.BatchCommands.Add(ToCommand(Verdicts, records.OfType<RunEvents>().ExceptBy(ends.Select(end => end.RunId), one => one.RunId)));
        var notify = new NpgsqlBatchCommand(Notify);
        notify.Parameters.Add(ToNotify(records.Select(record => record.RunId).Distinct()));
        batch.BatchCommands.Add(notify);

        List<RunVerdict> result = [];
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            result.Add(new RunVerdict(reader.GetGuid(0), reader.GetInt32(1), reader.GetBoolean(2), reader.GetBoolean(3)));
        }

        // Errors of the statements that follow come with their results.
        while (await reader.NextResultAsync(cancellationToken))
        {
        }

        return result;
    }

    /// <summary>JSON text as <see cref="SqlText.Storable"/> makes text.</summary>
    private static string? StorableJson(string? json) =>
        SqlText.Storable(json is null || !json.Contains("\\u", StringComparison.Ordinal) ? json : JsonRepair.Repair(json, keepControls: true));

    private static void Add<TRow>(NpgsqlBatch batch, string sql, SqlColumns<TRow> columns, IReadOnlyList<TRow> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        var command = new NpgsqlBatchCommand(sql);
        foreach (var parameter in columns.ParametersOf(rows))
        {
            command.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(command);
    }

    /// <summary>With the runs and attempts of events, each once.</summary>
    private static NpgsqlBatchCommand ToCommand(string sql, IEnumerable<RunEvents> events)
    {
        var attempts = events.Select(one => (one.RunId, one.Attempt)).Distinct().ToList();
        return new NpgsqlBatchCommand(sql)
        {
            Parameters =
            {
                new NpgsqlParameter<Guid[]> { TypedValue = [.. attempts.Select(one => one.RunId)] },
                new NpgsqlParameter<int[]> { TypedValue = [.. attempts.Select(one => one.Attempt)] },
            },
        };
    }

    private static NpgsqlParameter<string[]> ToNotify(IEnumerable<Guid> runs) =>
        new() { TypedValue = [.. runs.Chunk(NotifiedTogether).Select(chunk => string.Join(',', chunk))] };
}

/// <param name="IsMine">The run is there, runs, and is at the attempt that was written.</param>
internal sealed record RunVerdict(Guid RunId, int Attempt, bool IsMine, bool StopRequested);
