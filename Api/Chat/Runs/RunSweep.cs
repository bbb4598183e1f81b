using System.Text.Json;
using LlmAspire.Api.Data;
using LlmAspire.Usage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>
/// Ends runs whose process is gone: the answer keeps the text that was stored, and its readers hear of it. Every process looks; of several,
/// one ends a run. Should the process only have slept, or its disk have more of the answer, what it writes takes the run up again, unless somebody
/// has continued it.
/// </summary>
internal sealed partial class RunSweep(
    NpgsqlDataSource source,
    SchemaReadiness<TenantContext> schema,
    ILedgerReadiness ledger,
    RunningCalls instance,
    ChatRuns runs,
    RunTable table,
    IOptions<ChatSettings> settings,
    TimeProvider time,
    ILogger<RunSweep> logger) : BackgroundService
{
    /// <summary>
    /// As the sweep of calls: nobody can have reported while PostgreSQL was away, whose time of life counts from its last recovery. A run of this process that
    /// it does not have was taken when PostgreSQL's answer was lost.
    /// </summary>
    private const string Sweep = """
        WITH given_up AS MATERIALIZED (
            SELECT run.id, run.attempt, run.message_id, run.conversation_id
            FROM tenant.run AS run LEFT JOIN ledger.api_instance AS instance ON instance.id = run.instance_id
            WHERE run.state = 'running' AND run.started_at < now() - $1
                AND (instance.id IS NULL OR instance.reported_at < now() - $1 OR run.instance_id = $2 AND run.id <> ALL ($3))
                AND now() - $1 > greatest(
                    pg_postmaster_start_time(), (SELECT min(backend_start) FROM pg_stat_activity WHERE backend_type = 'checkpointer'))
            ORDER BY run.id LIMIT 100 FOR UPDATE OF run SKIP LOCKED
        ), ended AS (
            UPDATE tenant.run AS run SET state = 'interrupted', ended_at = now() FROM given_up WHERE run.id = given_up.id
        ), answered AS (
            UPDATE tenant.message AS message SET status = 'interrupted', error = $4::jsonb || jsonb_build_object('traceId', coalesce(trace_id, '')),
                content = coalesce((SELECT string_agg(text, '' ORDER BY attempt, first_sequence) FROM tenant.run_batch WHERE run_id = given_up.id), ''),
                tools = (SELECT jsonb_agg(event -> 'data' ORDER BY attempt, first_sequence, place)
                    FROM tenant.run_batch, jsonb_array_elements(events) WITH ORDINALITY AS stored (event, place)
                    WHERE run_id = given_up.id AND event ->> 'type' = 'tool')
            FROM given_up WHERE message.id = given_up.message_id
        )
        INSERT INTO tenant.run_batch (run_id, attempt, first_sequence, last_sequence, text, events)
        SELECT given_up.id, given_up.attempt, stored.last + 1, stored.last + 1, '',
            jsonb_build_array(jsonb_build_object('type', 'error', 'data', $4::jsonb || jsonb_build_object('traceId', coalesce(message.trace_id, ''))))
        FROM given_up JOIN tenant.message AS message ON message.id = given_up.message_id
        CROSS JOIN LATERAL (
            SELECT coalesce(max(last_sequence), 0) AS last FROM tenant.run_batch
            WHERE run_id = given_up.id AND run_batch.attempt = given_up.attempt) AS stored
        RETURNING run_id
        """;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.WhenReadyAsync(stoppingToken);
        await ledger.WhenReadyAsync(stoppingToken);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotSwept(logger, exception.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(settings.Value.InterruptedAfter / 4, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Sweep);
        command.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = settings.Value.InterruptedAfter });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = instance.InstanceId });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. runs.All.Select(run => run.Id)] });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = JsonSerializer.Serialize(RunError.Interrupted(""), JsonSerializerOptions.Web) });
        List<Guid> ended = [];
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                ended.Add(reader.GetGuid(0));
            }
        }

        if (ended.Count > 0)
        {
            await table.NotifyAsync(ended, cancellationToken);
            LogInterrupted(logger, ended.Count);
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Count} answers were interrupted: the processes that made them are gone")]
    private static partial void LogInterrupted(ILogger logger, int count);

    [LoggerMessage(LogLevel.Information, "Interrupted answers could not be looked for: {Reason}")]
    private static partial void LogNotSwept(ILogger logger, string reason);
}
