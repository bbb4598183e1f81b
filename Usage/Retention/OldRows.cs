using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Deletes rows by age, in small transactions. Any number of processes may do it at once: each takes rows that no other one has. Nobody waits for long behind it, and it
/// waits for nobody.
/// </summary>
internal static class OldRows
{
    /// <summary>Rows that one transaction deletes.</summary>
    internal const int LargestBatch = 500;

    /// <param name="table">One with <see cref="TableBound.IsOld"/>.</param>
    /// <param name="before">Only what is older is deleted.</param>
    /// <param name="onRemoved">Told how many rows were deleted, if any, also when it is interrupted.</param>
    /// <exception cref="NpgsqlException">When PostgreSQL is away: what was deleted until then stays deleted.</exception>
    public static async Task RemoveAsync(
        NpgsqlDataSource source, TableBound table, DateTimeOffset before, Action<long> onRemoved, CancellationToken cancellationToken)
    {
        // The array makes the subquery run once. A row that somebody else has locked is left for the next time.
        var remove = $"""
            DELETE FROM {table.Name} WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM {table.Name} WHERE {table.IsOld} LIMIT {LargestBatch} FOR UPDATE SKIP LOCKED))
            """;
        var removed = 0L;
        try
        {
            int batch;
            do
            {
                await using var command = source.CreateCommand(remove);
                command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = before.ToUniversalTime() });
                batch = await command.ExecuteNonQueryAsync(cancellationToken);
                removed += batch;
            }
            while (batch == LargestBatch);
        }
        finally
        {
            if (removed > 0)
            {
                onRemoved(removed);
            }
        }
    }
}
