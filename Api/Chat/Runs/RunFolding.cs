using LlmAspire.Usage;
using Npgsql;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>
/// Makes one batch of the many in which an attempt at an answer was stored, when the answer is over: the same events with the same ids, so that readers get what they got
/// before. Any number of processes may do it at once.
/// </summary>
internal sealed class RunFolding(NpgsqlDataSource source, TimeProvider time)
{
    /// <summary>Runs that one transaction folds.</summary>
    internal const int LargestBatch = 100;

    /// <summary>Runs that one statement looks at.</summary>
    private const int Slice = 5_000;

    /// <summary>Longer than an answer takes to be made: younger runs are looked at each time.</summary>
    private static readonly TimeSpan LongestRun = TimeSpan.FromHours(3);

    /// <summary>How often all runs are looked at: the ids of some say another time than they were made at.</summary>
    private static readonly TimeSpan WholeInterval = TimeSpan.FromDays(1);

    private const string EndOfSlice = "SELECT id FROM tenant.run WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1";

    // Who goes on with a run, or takes it up again, waits for this, or is left alone.
    private const string Lock = """
        SELECT run.id FROM tenant.run AS run
        WHERE run.id > $1 AND run.id <= $2 AND run.state <> 'running' AND run.ended_at < now() - $3
            AND EXISTS (SELECT FROM tenant.run_batch AS batch WHERE batch.run_id = run.id GROUP BY batch.attempt HAVING count(*) > 1)
        ORDER BY run.id LIMIT $4 FOR NO KEY UPDATE OF run SKIP LOCKED
        """;

    /// <summary>
    /// An attempt that a sweep has ended may be taken up again by its process, which has batches of its own to write: it stays as it is until there is a later attempt. An attempt
    /// that misses events stays so too: the place of an event in its batch is a part of its id.
    /// </summary>
    private const string Fold = $$"""
        WITH whole AS MATERIALIZED (
            SELECT batch.run_id, batch.attempt, min(first_sequence) AS first, max(last_sequence) AS last, string_agg(text, '' ORDER BY first_sequence) AS text
            FROM tenant.run_batch AS batch JOIN tenant.run AS run ON run.id = batch.run_id
            WHERE batch.run_id = ANY ($1)
            GROUP BY batch.run_id, batch.attempt, run.attempt
            HAVING count(*) > 1
                AND sum(last_sequence - first_sequence + 1) = max(last_sequence) - min(first_sequence) + 1
                AND sum(jsonb_array_length(events)) = max(last_sequence) - min(first_sequence) + 1
                AND NOT (batch.attempt = run.attempt AND bool_or(events @> '[{"data": {"code": "{{RunError.InterruptedCode}}"} }]'))
        ), folded AS MATERIALIZED (
            SELECT whole.*, (
                SELECT jsonb_agg(event ORDER BY batch.first_sequence, place)
                FROM tenant.run_batch AS batch, jsonb_array_elements(batch.events) WITH ORDINALITY AS stored (event, place)
                WHERE batch.run_id = whole.run_id AND batch.attempt = whole.attempt) AS events
            FROM whole
        ), removed AS (
            DELETE FROM tenant.run_batch AS batch USING folded
            WHERE batch.run_id = folded.run_id AND batch.attempt = folded.attempt AND batch.first_sequence > folded.first
        )
        UPDATE tenant.run_batch AS batch SET last_sequence = folded.last, text = folded.text, events = folded.events
        FROM folded WHERE batch.run_id = folded.run_id AND batch.attempt = folded.attempt AND batch.first_sequence = folded.first
        """;

    private DateTimeOffset _wholeAt = DateTimeOffset.MinValue;

    /// <summary>Folds the runs that are over. Not to be called from several threads.</summary>
    /// <param name="after">Only those that have been over for so long.</param>
    /// <returns>How many attempts became one batch.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away: a run is folded or as it was.</exception>
    public async Task<int> FoldAsync(TimeSpan after, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var isWhole = now - _wholeAt >= WholeInterval;
        var position = isWhole ? Guid.Empty : UuidV7.Create(now - after - LongestRun, new byte[10]);
        var folded = 0;
        Guid? end;
        do
        {
            end = await FindEndOfSliceAsync(position, cancellationToken);
            folded += await FoldSliceAsync(position, end ?? Guid.AllBitsSet, after, cancellationToken);
            position = end ?? position;
        }
        while (end is not null);

        _wholeAt = isWhole ? now : _wholeAt;
        return folded;
    }

    private async Task<Guid?> FindEndOfSliceAsync(Guid position, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(EndOfSlice);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = position });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Slice - 1 });
        return await command.ExecuteScalarAsync(cancellationToken) as Guid?;
    }

    private async Task<int> FoldSliceAsync(Guid position, Guid end, TimeSpan after, CancellationToken cancellationToken)
    {
        var folded = 0;
        while (true)
        {
            var (runs, attempts) = await LostRaces.RetryAsync(() => FoldBatchAsync(position, end, after, cancellationToken));
            folded += attempts;
            if (runs.Count < LargestBatch)
            {
                return folded;
            }

            position = runs[^1];
        }
    }

    private async Task<(List<Guid> Runs, int Attempts)> FoldBatchAsync(Guid position, Guid end, TimeSpan after, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        List<Guid> runs = [];
        await using (var locked = new NpgsqlCommand(Lock, connection))
        {
            locked.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = position });
            locked.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = end });
            locked.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = after });
            locked.Parameters.Add(new NpgsqlParameter<int> { TypedValue = LargestBatch });
            await using var reader = await locked.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                runs.Add(reader.GetGuid(0));
            }
        }

        if (runs.Count == 0)
        {
            return (runs, 0);
        }

        // What it reads was committed before the locks: nobody writes to these runs now.
        await using var fold = new NpgsqlCommand(Fold, connection);
        fold.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. runs] });
        var attempts = await fold.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (runs, attempts);
    }
}
