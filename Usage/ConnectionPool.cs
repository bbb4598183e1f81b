using System.Data.Common;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>How many connections a pool of a service may hold.</summary>
public static class ConnectionPool
{
    /// <summary>
    /// Connections of one pool, unless the connection string says otherwise; the Api has two that are busy. PostgreSQL takes 100 in all unless it is told
    /// to take more, as many as one pool of Npgsql: a busy replica would leave the others none.
    /// </summary>
    public const int UsualSize = 30;

    // The names that Npgsql knows it by.
    private static readonly string[] SizeKeywords = ["Maximum Pool Size", "Max Pool Size", "MaxPoolSize"];

    /// <returns>The connection string with a limit; null for none.</returns>
    /// <exception cref="ArgumentException">When it is no connection string.</exception>
    public static string? Bound(string? connectionString)
    {
        if (connectionString is null)
        {
            return null;
        }

        var given = new DbConnectionStringBuilder { ConnectionString = connectionString };
        return SizeKeywords.Any(given.ContainsKey)
            ? connectionString
            : new NpgsqlConnectionStringBuilder(connectionString) { MaxPoolSize = UsualSize }.ConnectionString;
    }
}
