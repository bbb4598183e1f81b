using Npgsql;

namespace LlmAspire.KillTest.Reconciliation;

internal static class RejectedEvents
{
    public static async Task<IReadOnlyList<string>> ReadAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT concat_ws(' ', event->>'id', sqlstate, reason) FROM ledger.usage_rejected");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<string> rejected = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            rejected.Add(reader.GetString(0));
        }

        return rejected;
    }
}
