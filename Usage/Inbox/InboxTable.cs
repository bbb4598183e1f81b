using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>
/// Puts events into <c>usage_inbox</c>, each batch in one transaction with one NOTIFY. Safe to call from any thread; writing an event twice is
/// harmless, its id makes one row.
/// </summary>
internal sealed class InboxTable(NpgsqlDataSource source, ILogger<InboxTable> logger)
{
    public const string Channel = "usage_inbox";

    // One round trip and, having one Sync, one transaction.
    private const string Insert = """
        INSERT INTO ledger.usage_inbox (event, traceparent)
        SELECT * FROM unnest($1::jsonb[], $2::text[])
        """;

    private const string Notify = $"NOTIFY {Channel}";

    /// <summary>Raw usage that <c>jsonb</c> cannot hold is stored as text; it holds nobody up.</summary>
    /// <exception cref="NpgsqlException">When PostgreSQL does not take them; when its answer was lost they may be there.</exception>
    public async Task InsertAsync(IReadOnlyList<UsageEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            await InsertAsync([.. events.Select(usageEvent => (UsageEventJson.Serialize(usageEvent), usageEvent.Traceparent))], cancellationToken);
        }
        catch (PostgresException exception) when (SqlErrors.IsDataError(exception) && events.Count > 1)
        {
            // By halves: the callers of the others wait too.
            var half = events.Count / 2;
            await InsertAsync([.. events.Take(half)], cancellationToken);
            await InsertAsync([.. events.Skip(half)], cancellationToken);
        }
        catch (PostgresException exception) when (SqlErrors.IsDataError(exception))
        {
            logger.RawUsageStoredAsText(events[0].Id, exception.MessageText);
            await InsertAsync([(UsageEventJson.SerializeWithRawUsageAsText(events[0]), events[0].Traceparent)], cancellationToken);
        }
    }

    private async Task InsertAsync((string Json, string? Traceparent)[] events, CancellationToken cancellationToken)
    {
        await using var batch = source.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Insert)
        {
            Parameters =
            {
                new() { Value = Array.ConvertAll(events, one => one.Json), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb },
                new() { Value = Array.ConvertAll(events, one => one.Traceparent?.Replace('\0', '\uFFFD')), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Notify));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }
}
