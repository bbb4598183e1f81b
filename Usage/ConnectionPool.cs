using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// How the connections of a service are pooled, unless the connection string says otherwise. PostgreSQL takes 100 connections in all unless it is told to take more, as many as one pool of
/// Npgsql: a busy service would leave the others none.
/// </summary>
/// <remarks>Each pool is for what waits for each other anyway: who reads a year of reports must not keep calls from being opened.</remarks>
public static class ConnectionPool
{
    /// <summary>The key of the <see cref="NpgsqlDataSource"/> for what people look at: read only, and each statement ends after <see cref="ReadingTimeout"/>.</summary>
    public const string Reading = "reading";

    /// <summary>The key of the <see cref="NpgsqlDataSource"/> for who keeps a connection: listeners, and locks that belong to a session.</summary>
    public const string Sessions = "sessions";

    /// <summary>Connections that open and settle calls, tell what lives, ingest and sweep.</summary>
    public const int CallsSize = 10;

    /// <summary>Connections that accounts, conversations and plans are read and written with: of all contexts together, for they have one connection string.</summary>
    public const int ContextsSize = 15;

    /// <summary>Connections of <see cref="Reading"/>.</summary>
    public const int ReadingSize = 6;

    /// <summary>Connections of <see cref="Sessions"/>.</summary>
    public const int SessionsSize = 4;

    /// <summary>For a statement of <see cref="Reading"/>; an export, which waits for its reader, has <see cref="ExportTimeout"/> for each of its steps.</summary>
    public static readonly TimeSpan ReadingTimeout = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan ExportTimeout = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Bounds the pool, and lets connections go back into it as they are: the statements that would clear their sessions take a fifth of what PostgreSQL does for a
    /// call. So settings, locks and temporary tables must end with their transaction, or be ended by whoever made them, as <see cref="ListeningConnection"/> does.
    /// </summary>
    /// <param name="size">Connections, when the string does not say so.</param>
    /// <param name="name">Of the pool, for <c>pg_stat_activity</c>; it tells pools of one string apart.</param>
    /// <returns>The connection string with what it does not say; null for none.</returns>
    /// <exception cref="ArgumentException">When it is no connection string.</exception>
    public static string? WithDefaults(string? connectionString, int size = CallsSize, string? name = null)
    {
        if (connectionString is null)
        {
            return null;
        }

        var pooled = new NpgsqlConnectionStringBuilder(connectionString);
        if (!pooled.ShouldSerialize("Maximum Pool Size"))
        {
            pooled.MaxPoolSize = size;
        }

        if (!pooled.ShouldSerialize("No Reset On Close"))
        {
            pooled.NoResetOnClose = true;
        }

        if (name is not null)
        {
            pooled.ApplicationName = $"{pooled.ApplicationName ?? AppDomain.CurrentDomain.FriendlyName} {name}";
        }

        return pooled.ConnectionString;
    }

    /// <summary>For contexts of EF Core: those with the same string share one pool.</summary>
    /// <returns>Null for none.</returns>
    public static string? ForContexts(string? connectionString) => WithDefaults(connectionString, ContextsSize, "contexts");

    /// <summary>For <see cref="Reading"/>.</summary>
    internal static string? ForReading(string? connectionString)
    {
        if (WithDefaults(connectionString, ReadingSize, Reading) is not { } pooled)
        {
            return null;
        }

        var reading = new NpgsqlConnectionStringBuilder(pooled);
        reading.Options = $"{reading.Options} -c default_transaction_read_only=on -c statement_timeout={ReadingTimeout.TotalMilliseconds:0}".TrimStart();
        return reading.ConnectionString;
    }

    /// <summary>One that is used now and then, and waits for nobody.</summary>
    internal static string? ForProbe(string? connectionString)
    {
        if (WithDefaults(connectionString, 1, "probe") is not { } pooled)
        {
            return null;
        }

        return new NpgsqlConnectionStringBuilder(pooled) { MaxPoolSize = 1, MinPoolSize = 0 }.ConnectionString;
    }
}
