using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Opens, ingestion and rebuilds lock the same tables and rows, and not all in one order: PostgreSQL ends a circle by giving up one of them.
/// </summary>
internal static class LostRaces
{
    private const int Retries = 5;

    /// <summary>Does a transaction again when it was the one: nothing was done, and the other one is through.</summary>
    /// <exception cref="PostgresException">Any other error; and a lost race after several of them.</exception>
    /// <param name="isLost">What else, in this transaction, says that another one was faster.</param>
    public static async Task<T> RetryAsync<T>(Func<Task<T>> transaction, Func<PostgresException, bool>? isLost = null)
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await transaction();
            }
            catch (PostgresException exception) when (attempt < Retries && (SqlErrors.IsLostRace(exception) || isLost?.Invoke(exception) == true))
            {
                // Again.
            }
        }
    }
}
