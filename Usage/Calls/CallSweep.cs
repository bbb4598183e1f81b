using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Gives up open calls that nobody runs any more: each becomes an <c>interrupted</c> row, provisional until a late settle replaces it. Safe to
/// call concurrently, from any number of processes.
/// </summary>
public sealed class CallSweep(NpgsqlDataSource source, UsageIngestion ingestion)
{
    private const int LargestBatch = 500;

    /// <summary>How often a batch that lost against ingestion, or had no partition, is taken again at once.</summary>
    private const int Retries = 5;

    /// <summary>
    /// PostgreSQL's own time of life counts from its last recovery: the checkpointer is started after each, the postmaster is not. A role that may not
    /// see the checkpointer goes by the postmaster. An event in the inbox speaks for its call; one that is being ingested is still seen
    /// there. A name that is too long for the roll-ups' keys is cut: it must not hold up the others.
    /// </summary>
    private static readonly string Sweep = $$"""
        WITH given_up AS MATERIALIZED (
            SELECT call.id, greatest(instance.reported_at - call.opened_at, interval '0') AS lived
            FROM ledger.open_call AS call LEFT JOIN ledger.api_instance AS instance ON instance.id = call.instance_id
            WHERE call.opened_at < now() - $1
                AND (instance.id IS NULL
                    OR instance.reported_at < now() - $1
                    OR instance.reported_at > call.opened_at + $1 AND call.id <> ALL (instance.open_calls))
                AND NOT EXISTS (SELECT FROM ledger.usage_inbox AS inbox WHERE inbox.id = call.id)
                AND now() - $1 > greatest(
                    pg_postmaster_start_time(), (SELECT min(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer'))
            ORDER BY call.id LIMIT $2 FOR UPDATE OF call SKIP LOCKED
        ), closed AS (
            DELETE FROM ledger.open_call AS call USING given_up WHERE call.id = given_up.id RETURNING call.*, given_up.lived
        ), written AS (
            INSERT INTO ledger.llm_usage (
                id, created_at, request_id, user_id, org_id, api_key_id, trace_id, span_id, conversation_id, operation, model_alias,
                prompt_tokens, completion_tokens, source, outcome, duration_ms)
            SELECT
                id, ledger.uuid_v7_time(id), request_id, user_id, org_id, api_key_id, split_part(traceparent, '-', 2), split_part(traceparent, '-', 3),
                conversation_id, operation, {{NameSql.Cut("model_alias")}}, 0, 0, 'none', 'interrupted',
                coalesce(least(extract(epoch FROM lived) * 1000, 2147483647), 0)::integer
            FROM closed ORDER BY id
            ON CONFLICT (created_at, id) DO NOTHING
            RETURNING {{BookingSql.WrittenColumns}}
        ), {{BookingSql.Book}}
        SELECT closed.id, written.id IS NOT NULL FROM closed LEFT JOIN written ON written.id = closed.id
        """;

    private const string ForgetInstances = """
        DELETE FROM ledger.api_instance AS instance
        WHERE reported_at < now() - interval '1 day' AND NOT EXISTS (SELECT FROM ledger.open_call WHERE instance_id = instance.id)
        """;

    /// <summary>Sweeps once.</summary>
    /// <param name="grace">
    /// How long a call may be open, an instance silent, and PostgreSQL has to be up, before a call is given up. Longer than two reports are apart.
    /// </param>
    /// <returns>The ids of the calls that became rows.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away: nothing has changed.</exception>
    public async Task<IReadOnlyList<Guid>> SweepAsync(TimeSpan grace, CancellationToken cancellationToken)
    {
        List<Guid> interrupted = [];
        int closed;
        do
        {
            closed = await SweepBatchAsync(grace, interrupted, cancellationToken);
        }
        while (closed == LargestBatch);

        await using var forget = source.CreateCommand(ForgetInstances);
        await forget.ExecuteNonQueryAsync(cancellationToken);
        return interrupted;
    }

    private async Task<int> SweepBatchAsync(TimeSpan grace, List<Guid> interrupted, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await using var command = source.CreateCommand(Sweep);
                command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = grace });
                command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = LargestBatch });
                var closed = 0;
                List<Guid> written = [];
                await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
                {
                    while (await reader.ReadAsync(cancellationToken))
                    {
                        closed++;
                        if (reader.GetBoolean(1))
                        {
                            written.Add(reader.GetGuid(0));
                        }
                    }
                }

                interrupted.AddRange(written);
                return closed;
            }
            catch (PostgresException exception) when (attempt < Retries && SqlErrors.IsLostRace(exception))
            {
                // Against ingestion, over the same call: it is settled now.
            }
            catch (PostgresException exception) when (attempt < Retries && SqlErrors.IsMissingPartition(exception))
            {
                await EnsurePartitionsAsync(cancellationToken);
                source.ForgetPartitions();
            }
        }
    }

    private async Task EnsurePartitionsAsync(CancellationToken cancellationToken)
    {
        List<DateTimeOffset> months = [];
        await using (var command = source.CreateCommand("SELECT DISTINCT date_trunc('month', ledger.uuid_v7_time(id), 'UTC') FROM ledger.open_call"))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                months.Add(await reader.GetFieldValueAsync<DateTimeOffset>(0, cancellationToken));
            }
        }

        foreach (var month in months)
        {
            await ingestion.EnsurePartitionAsync(month, cancellationToken);
        }
    }
}
