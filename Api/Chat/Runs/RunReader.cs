using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Usage;
using Npgsql;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>
/// Follows runs that another process makes, or that are over, by what is stored of them: nothing is lost or repeated, whatever the reader
/// has. Who may read a run has to be asked before.
/// </summary>
internal sealed class RunReader([FromKeyedServices(ConnectionPool.Reading)] NpgsqlDataSource source, RunSignals signals, IHostApplicationLifetime lifetime)
{
    private const string State = "SELECT attempt, state FROM tenant.run WHERE id = $1";

    private const string Batches = """
        SELECT attempt, first_sequence, last_sequence, events FROM tenant.run_batch
        WHERE run_id = $1 AND attempt = (SELECT attempt FROM tenant.run WHERE id = $1) AND last_sequence > $2 ORDER BY first_sequence
        """;

    private const string Before = """
        SELECT coalesce(string_agg(text, '' ORDER BY attempt, first_sequence), ''),
            (SELECT jsonb_agg(event -> 'data' ORDER BY attempt, first_sequence, place)
            FROM tenant.run_batch, jsonb_array_elements(events) WITH ORDINALITY AS stored (event, place)
            WHERE run_id = $1 AND attempt < $2 AND event ->> 'type' = 'tool')
        FROM tenant.run_batch WHERE run_id = $1 AND attempt < $2
        """;

    /// <summary>The events after <paramref name="last"/>, or all of the current attempt when it is null.</summary>
    public async IAsyncEnumerable<SseItem<ChatEvent>> ReadAsync(
        Guid runId, RunEventId? last, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // The client comes back, to a process that goes on.
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var news = signals.Subscribe(runId);
        var (attempt, sequence) = (last?.Attempt ?? 1, last?.Sequence ?? 0);
        while (await LookAsync(runId, sequence, leaving.Token) is { } look)
        {
            if (look.Attempt != attempt)
            {
                // What this reader saw of earlier attempts may differ from what was stored.
                (attempt, sequence) = (look.Attempt, 0);
                yield return new RunEventId(runId, attempt, 0).Mark(await ReadBeforeAsync(runId, attempt, leaving.Token));
                continue;
            }

            var end = look.Batches is [.., var newest] ? newest.Last : sequence;
            if (look.IsOver && await IsBeyondAsync(look, runId, sequence, leaving.Token) is { } stored)
            {
                // The reader has what its process never stored: all but the last event, which tells how it ended, is in the text.
                sequence = stored - 1;
                yield return new RunEventId(runId, attempt, sequence).Mark(await ReadBeforeAsync(runId, attempt + 1, leaving.Token));
                continue;
            }

            foreach (var batch in look.Batches)
            {
                var number = batch.First;
                foreach (var data in StoredEvent.Deserialize(batch.Events))
                {
                    if (number > sequence)
                    {
                        yield return new RunEventId(runId, attempt, number).Mark(data);
                    }

                    number++;
                }
            }

            sequence = end;
            if (look.IsOver)
            {
                yield break;
            }

            await news.WaitAsync(leaving.Token);
        }
    }

    /// <summary>The number of the last event, when the reader claims to have it or a later one of an answer that was interrupted.</summary>
    private async Task<int?> IsBeyondAsync(Look look, Guid runId, int sequence, CancellationToken cancellationToken)
    {
        if (look.Batches.Count > 0 || sequence == 0)
        {
            return null;
        }

        await using var command = source.CreateCommand("SELECT coalesce(max(last_sequence), 0) FROM tenant.run_batch WHERE run_id = $1 AND attempt = $2");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = runId });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = look.Attempt });
        var stored = (int)(await command.ExecuteScalarAsync(cancellationToken))!;
        return sequence > stored || look.State == MessageStatus.Interrupted ? Math.Max(stored, 1) : null;
    }

    /// <summary>The state first: when it says that the run is over, the batches that are read after it are all.</summary>
    private async Task<Look?> LookAsync(Guid runId, int after, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await LookOnceAsync(runId, after, cancellationToken);
            }
            catch (NpgsqlException exception) when (exception.IsTransient)
            {
                // PostgreSQL is away: what is missed is read when it is back.
                await Task.Delay(TimeSpan.FromMilliseconds(500), cancellationToken);
            }
        }
    }

    private async Task<Look?> LookOnceAsync(Guid runId, int after, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(State) { Parameters = { new NpgsqlParameter<Guid> { TypedValue = runId } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Batches)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = runId }, new NpgsqlParameter<int> { TypedValue = after } },
        });
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            return null;
        }

        var (attempt, state) = (reader.GetInt32(0), Enum.Parse<MessageStatus>(reader.GetString(1), ignoreCase: true));
        List<StoredBatch> batches = [];
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetInt32(0) != attempt)
            {
                // It was continued between the two.
                return new Look(reader.GetInt32(0), MessageStatus.Running, []);
            }

            batches.Add(new StoredBatch(reader.GetInt32(1), reader.GetInt32(2), reader.GetString(3)));
        }

        return new Look(attempt, state, batches);
    }

    private async Task<AnswerReset> ReadBeforeAsync(Guid runId, int attempt, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Before);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = runId });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = attempt });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new AnswerReset(reader.GetString(0), ToolCalls.Read(await reader.IsDBNullAsync(1, cancellationToken) ? null : reader.GetString(1), isOver: true));
    }

    private sealed record Look(int Attempt, MessageStatus State, List<StoredBatch> Batches)
    {
        public bool IsOver => State != MessageStatus.Running;
    }

    private sealed record StoredBatch(int First, int Last, string Events);
}
