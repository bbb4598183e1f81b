using System.Data;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Moves events from the inbox into the ledger, and with them the open calls out, the sums and the allowances up. Safe to call
/// concurrently, from any number of processes.
/// </summary>
public sealed class UsageIngestion(NpgsqlDataSource source, ILogger<UsageIngestion> logger)
{
    /// <summary>The channel of the NOTIFY that says that the inbox has events.</summary>
    public const string Channel = InboxTable.Channel;

    // The array makes the subquery run once; locked rows are another worker's.
    private const string NextIds = "ARRAY(SELECT inbox_id FROM ledger.usage_inbox ORDER BY inbox_id LIMIT $1 FOR UPDATE SKIP LOCKED)";

    private const string GivenIds = "$1";

    // A plan made while the inbox was empty would read all of it for each batch.
    private const string PlanAnew = "SET LOCAL plan_cache_mode = force_custom_plan";

    /// <summary>The columns of an event under their own names, as the ledger takes them.</summary>
    private static readonly string Fitted = string.Join(", ", UsageColumns.Common.Each.Select(
        name => (TokenClassSql.Fit(name) ?? (IsKey(name) ? NameSql.Cut(name) : null)) is { } fit ? $"{fit} AS {name}" : name));

    private static readonly string TraceparentPattern = $"__-{new string('_', 32)}-{new string('_', 16)}-__";

    // The event's open call stays: the sweeper makes an interrupted row of it, so that the call has one.
    private const string Reject = """
        WITH taken AS (DELETE FROM ledger.usage_inbox WHERE inbox_id = $1 RETURNING *)
        INSERT INTO ledger.usage_rejected (event, traceparent, reason, sqlstate)
        SELECT to_jsonb(taken) - '{inbox_id,traceparent,enqueued_at}'::text[], traceparent, $2, $3 FROM taken
        """;

    /// <summary>Takes up to <paramref name="limit"/> events, the oldest first.</summary>
    /// <exception cref="NpgsqlException">When PostgreSQL is away or short of something: the events are still in the inbox.</exception>
    public Task<IngestedBatch> IngestAsync(int limit, CancellationToken cancellationToken) =>
        LostRaces.RetryAsync(() => IngestOnceAsync(limit, cancellationToken));

    /// <summary>Creates the partition of the month (UTC) that holds <paramref name="within"/>, unless it is there.</summary>
    public async Task EnsurePartitionAsync(DateTimeOffset within, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT ledger.ensure_usage_partition($1)");
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = within.ToUniversalTime() });
        if (await command.ExecuteScalarAsync(cancellationToken) is true)
        {
            logger.PartitionCreated($"{within.UtcDateTime:yyyy-MM}");
        }
    }

    private async Task<IngestedBatch> IngestOnceAsync(int limit, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var (events, repeated) = await MoveAsync(connection, Move(NextIds), limit, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return new IngestedBatch(events, repeated, Rejected: 0);
        }
        catch (PostgresException exception) when (SqlErrors.IsMissingPartition(exception))
        {
            source.ForgetPartitions();
        }
        catch (PostgresException exception) when (SqlErrors.IsDataError(exception))
        {
            // Looked for below.
        }

        return await IngestCarefullyAsync(limit, cancellationToken);
    }

    /// <summary>Creates the partitions that the batch needs, and finds the events that the ledger cannot hold.</summary>
    private async Task<IngestedBatch> IngestCarefullyAsync(int limit, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var taken = await LockAsync(connection, limit, cancellationToken);
        var months = taken.ToDictionary(entry => entry.InboxId, entry => Month(entry.EventId));
        foreach (var month in months.Values.OfType<DateTimeOffset>().Distinct())
        {
            // On a connection of its own: committed for every worker at once, and no lock on the ledger is held meanwhile.
            await EnsurePartitionAsync(month, cancellationToken);
        }

        List<IngestedEvent> events = [];
        var (repeated, rejected) = (0, 0);
        await HalveAsync([.. taken.Select(entry => entry.InboxId)]);
        await transaction.CommitAsync(cancellationToken);
        return new IngestedBatch(events, repeated, rejected);

        async Task HalveAsync(long[] ids)
        {
            if (ids.Length == 0)
            {
                return;
            }

            const string Savepoint = "part";
            await transaction.SaveAsync(Savepoint, cancellationToken);
            try
            {
                var (moved, again) = await MoveAsync(connection, Move(GivenIds), ids, cancellationToken);
                await transaction.ReleaseAsync(Savepoint, cancellationToken);
                events.AddRange(moved);
                repeated += again;
                return;
            }
            catch (PostgresException exception) when (SqlErrors.IsDataError(exception)
                || SqlErrors.IsMissingPartition(exception) && ids.Any(id => months[id] is null))
            {
                await transaction.RollbackAsync(Savepoint, cancellationToken);
                if (ids is [var poison])
                {
                    await RejectAsync(connection, poison, exception, cancellationToken);
                    rejected++;
                    return;
                }
            }

            var half = ids.Length / 2;
            await HalveAsync(ids[..half]);
            await HalveAsync(ids[half..]);
        }
    }

    private async Task RejectAsync(NpgsqlConnection connection, long inboxId, PostgresException exception, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Reject, connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = inboxId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = exception.MessageText });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = exception.SqlState });
        await command.ExecuteNonQueryAsync(cancellationToken);
        logger.EventRejected(exception.MessageText, exception.SqlState, inboxId);
    }

    private static async Task<List<(long InboxId, Guid? EventId)>> LockAsync(NpgsqlConnection connection, int limit, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT inbox_id, id FROM ledger.usage_inbox ORDER BY inbox_id LIMIT $1 FOR UPDATE SKIP LOCKED", connection);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        List<(long, Guid?)> taken = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            taken.Add((reader.GetInt64(0), await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetGuid(1)));
        }

        return taken;
    }

    private static bool IsKey(string column) => column is "model_alias" or "provider" or "served_model";

    /// <summary>The first day of the month that the event belongs to; null when the ledger has no month for it.</summary>
    private static DateTimeOffset? Month(Guid? eventId)
    {
        if (eventId is not { Version: 7 } id)
        {
            return null;
        }

        var milliseconds = UuidV7.UnixMilliseconds(id);
        if (milliseconds > DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())
        {
            return null;
        }

        var time = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        return new DateTimeOffset(time.Year, time.Month, 1, 0, 0, 0, TimeSpan.Zero);
    }

    private static async Task<(List<IngestedEvent> Events, int Repeated)> MoveAsync<T>(
        NpgsqlConnection connection, string move, T which, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(PlanAnew));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(move) { Parameters = { new NpgsqlParameter<T> { TypedValue = which } } });

        List<IngestedEvent> events = [];
        var repeated = 0;
        await using var reader = await batch.ExecuteReaderAsync(CommandBehavior.Default, cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetBoolean(0))
            {
                events.Add(new IngestedEvent(
                    reader.GetGuid(2),
                    await reader.IsDBNullAsync(3, cancellationToken) ? null : reader.GetString(3),
                    await reader.GetFieldValueAsync<DateTimeOffset>(4, cancellationToken),
                    reader.GetBoolean(1),
                    reader.GetString(5),
                    new TokenCounts(
                        reader.GetInt64(6), reader.GetInt64(7), reader.GetInt64(8), reader.GetInt64(9), reader.GetInt64(10), reader.GetInt64(11),
                        reader.GetInt64(12))));
            }
            else
            {
                repeated++;
            }
        }

        return (events, repeated);
    }

    /// <summary>
    /// Out of the inbox and into the ledger, the sums and the allowances in one statement: no crash between them. The row's trace and
    /// span are parts of the W3C traceparent, example <c>00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01</c>; another form of
    /// it leaves them null, for tracing decides nothing here.
    /// </summary>
    /// <remarks>
    /// A provisional row is replaced even when this statement's snapshot does not see it yet. Who asked for what stays as the sweeper wrote it,
    /// so that the row that is returned names the sums that the provisional one was added to. The form of the traceparent has no counted repetition:
    /// <c>[0-9a-f]{32}</c> takes twenty times as long.
    /// </remarks>
    private static string Move(string ids) => $$"""
        WITH taken AS MATERIALIZED (
            DELETE FROM ledger.usage_inbox WHERE inbox_id = ANY({{ids}}) RETURNING *
        ), chosen AS MATERIALIZED (
            SELECT DISTINCT ON (id)
                inbox_id, {{Fitted}},
                CASE WHEN traceparent LIKE '{{TraceparentPattern}}' AND traceparent ~ '^[0-9a-f-]+$' THEN traceparent END AS traceparent
            FROM taken ORDER BY id, outcome = 'interrupted', inbox_id
        ), written AS (
            INSERT INTO ledger.llm_usage AS usage ({{UsageColumns.Common.Names}}, created_at, trace_id, span_id)
            SELECT {{UsageColumns.Common.Names}}, ledger.uuid_v7_time(id), substr(traceparent, 4, 32), substr(traceparent, 37, 16)
            FROM chosen
            ON CONFLICT (created_at, id) DO UPDATE SET
                recorded_at = excluded.recorded_at, replaced_at = excluded.recorded_at, provisional_recorded_at = usage.recorded_at,
                provisional_duration_ms = usage.duration_ms, trace_id = excluded.trace_id, span_id = excluded.span_id, provider = excluded.provider,
                served_model = excluded.served_model, prompt_tokens = excluded.prompt_tokens, completion_tokens = excluded.completion_tokens,
                cached_prompt_tokens = excluded.cached_prompt_tokens, cache_write_tokens = excluded.cache_write_tokens,
                cache_write_1h_tokens = excluded.cache_write_1h_tokens,
                reasoning_tokens = excluded.reasoning_tokens, audio_prompt_tokens = excluded.audio_prompt_tokens,
                audio_completion_tokens = excluded.audio_completion_tokens, source = excluded.source, outcome = excluded.outcome,
                attempts = excluded.attempts, fallbacks = excluded.fallbacks, ttft_ms = excluded.ttft_ms, duration_ms = excluded.duration_ms,
                gateway_call_id = excluded.gateway_call_id, raw_usage = excluded.raw_usage
            WHERE usage.outcome = 'interrupted' AND excluded.outcome <> 'interrupted'
            RETURNING {{BookingSql.WrittenColumns}}
        ), closed AS (
            DELETE FROM ledger.open_call WHERE id = ANY(ARRAY(SELECT id FROM chosen)) RETURNING {{BookingSql.ClosedColumns}}
        ), {{BookingSql.Book}}
        SELECT
            written.id IS NOT NULL AND taken.inbox_id = chosen.inbox_id, coalesce(written.replaced, false),
            taken.id, taken.traceparent, taken.enqueued_at, written.model_alias, written.prompt_tokens, written.completion_tokens,
            coalesce(written.cached_prompt_tokens, 0), coalesce(written.cache_write_tokens, 0), coalesce(written.reasoning_tokens, 0),
            coalesce(written.audio_prompt_tokens, 0), coalesce(written.audio_completion_tokens, 0)
        FROM taken JOIN chosen ON chosen.id = taken.id LEFT JOIN written ON written.id = taken.id
        """;
}
