using Npgsql;

namespace LlmAspire.Usage;

/// <summary>How the connections of a service are pooled, unless the connection string says otherwise.</summary>
public static class ConnectionPool
{
    /// <summary>
    /// Connections of one pool; the Api has two that are busy. PostgreSQL takes 100 in all unless it is told to take more, as many as one pool of Npgsql: a busy
    /// replica would leave the others none.
    /// </summary>
    public const int UsualSize = 30;

    /// <summary>
    /// Bounds the pool, and lets connections go back into it as they are: the statements that would clear their sessions take a fifth of what PostgreSQL does for a
    /// call. So settings, locks and temporary tables must end with their transaction, or be ended by whoever made them, as <see cref="ListeningConnection"/> does.
    /// </summary>
    /// <returns>The connection string with what it does not say; null for none.</returns>
    /// <exception cref="ArgumentException">When it is no connection string.</exception>
    public static string? WithDefaults(string? connectionString)
    {
        if (connectionString is null)
        {
            return null;
        }

        var pooled = new NpgsqlConnectionStringBuilder(connectionString);
        if (!pooled.ShouldSerialize("Maximum Pool Size"))
        {
            pooled.MaxPoolSize = UsualSize;
        }

        if (!pooled.ShouldSerialize("No Reset On Close"))
        {
            pooled.NoResetOnClose = true;
        }

        return pooled.ConnectionString;
    }
}
