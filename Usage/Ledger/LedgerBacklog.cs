using Npgsql;

namespace LlmAspire.Usage;

/// <summary>What waits in the ledger's tables, at one moment.</summary>
/// <param name="InboxDepth">Events that are durable, but no rows yet.</param>
/// <param name="InboxLag">How long the oldest of them has waited; zero when there is none.</param>
/// <param name="OpenCalls">Calls that are not settled.</param>
/// <param name="OldestOpenCall">How long the oldest of them has been open; zero when there is none.</param>
/// <param name="RecentlyRejected">Events that were rejected in the last hour, of the latest thousand.</param>
public sealed record LedgerBacklog(long InboxDepth, TimeSpan InboxLag, long OpenCalls, TimeSpan OldestOpenCall, long RecentlyRejected)
{
    // The identities of usage_inbox and usage_rejected grow with time: no index on the times is needed.
    private const string Query = """
        SELECT
            (SELECT count(*) FROM ledger.usage_inbox),
            coalesce(clock_timestamp() - (SELECT enqueued_at FROM ledger.usage_inbox ORDER BY inbox_id LIMIT 1), interval '0'),
            count(*), coalesce(clock_timestamp() - min(opened_at), interval '0'),
            (SELECT count(*) FROM (SELECT rejected_at FROM ledger.usage_rejected ORDER BY id DESC LIMIT 1000) AS latest
                WHERE rejected_at > now() - interval '1 hour')
        FROM ledger.open_call
        """;

    /// <exception cref="NpgsqlException">When PostgreSQL is away, or has no ledger.</exception>
    public static async Task<LedgerBacklog> ReadAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Query);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new LedgerBacklog(
            reader.GetInt64(0),
            await reader.GetFieldValueAsync<TimeSpan>(1, cancellationToken),
            reader.GetInt64(2),
            await reader.GetFieldValueAsync<TimeSpan>(3, cancellationToken),
            reader.GetInt64(4));
    }
}
