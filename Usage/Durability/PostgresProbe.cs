using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Asks PostgreSQL whether it takes commits, on a connection of its own: no lock of a table, no slow statement and no pool that is used up stands in its way. Safe to call concurrently.
/// </summary>
internal sealed class PostgresProbe([FromKeyedServices(PostgresProbe.Key)] NpgsqlDataSource source)
{
    /// <summary>Of its <see cref="NpgsqlDataSource"/>.</summary>
    public const string Key = "probe";

    /// <returns>False when it does not answer before <paramref name="patience"/> is over.</returns>
    public async Task<bool> AnswersAsync(CancellationToken patience)
    {
        // The connection of before a restart fails at once; the next one is new.
        return await AskAsync(patience) || !patience.IsCancellationRequested && await AskAsync(patience);
    }

    private async Task<bool> AskAsync(CancellationToken patience)
    {
        try
        {
            // Not a read: a standby or a server without room for a commit would answer one.
            await using var command = source.CreateCommand("SELECT pg_current_xact_id()");
            await command.ExecuteScalarAsync(patience);
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or OperationCanceledException or TimeoutException)
        {
            return false;
        }
    }
}
