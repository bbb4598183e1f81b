namespace LlmAspire.EmbeddedPostgres;

/// <summary>What a private PostgreSQL server needs to know; the section <c>Postgres</c> of the configuration.</summary>
public sealed record PostgresServerOptions
{
    public const string Section = "Postgres";

    /// <summary>The cluster folder. It is made when missing; it must be empty or hold a cluster.</summary>
    public string DataDirectory { get; init; } = "";

    /// <summary>The password of the superuser <c>postgres</c>. A cluster that has another one is given this one.</summary>
    public string Password { get; init; } = "";

    /// <summary>The TCP port on 127.0.0.1; 0 takes a free one at each start of the server.</summary>
    public int Port { get; init; }

    /// <summary>Databases to create when missing, separated by commas.</summary>
    public string Databases { get; init; } = "";

    /// <summary>The folder of <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>; looked for when null.</summary>
    public string? BinDirectory { get; init; }

    public int MaxConnections { get; init; } = 200;

    /// <summary>False trades the durability of commits for speed: only for clusters that are thrown away.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>True deletes the cluster when its server stops, also when the process that started it was killed.</summary>
    public bool Throwaway { get; init; }
}
