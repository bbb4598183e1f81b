using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Puts events into <c>usage_inbox</c>, each batch in one transaction with one NOTIFY. Safe to call from any thread; writing an event twice is
/// harmless, its id makes one row.
/// </summary>
internal sealed class InboxTable(NpgsqlDataSource source, ILogger<InboxTable> logger)
{
    public const string Channel = "usage_inbox";

    private const string Notify = $"NOTIFY {Channel}";

    /// <summary>Raw usage that <c>jsonb</c> does not take all the same (<see cref="StorableUsage"/>) is stored as text; it holds nobody up.</summary>
    /// <exception cref="NpgsqlException">When PostgreSQL does not take them; when its answer was lost they may be there.</exception>
    public async Task InsertAsync(IReadOnlyList<UsageEvent> events, CancellationToken cancellationToken)
    {
        try
        {
            await InsertOnceAsync(events, cancellationToken);
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
            await InsertOnceAsync([UsageEventJson.WithRawUsageAsText(events[0])], cancellationToken);
        }
    }

    /// <summary>In one round trip and, having one Sync, one transaction.</summary>
    private async Task InsertOnceAsync(IReadOnlyList<UsageEvent> events, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        var insert = new NpgsqlBatchCommand(UsageColumns.InsertIntoInbox);
        insert.Parameters.AddRange(UsageColumns.Inbox.ParametersOf(events).ToArray());
        batch.BatchCommands.Add(insert);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Notify));
        // The end of an answer waits for it: planned once a connection.
        await batch.PrepareAsync(cancellationToken);
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }
}
