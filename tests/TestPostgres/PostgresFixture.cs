using LlmAspire.EmbeddedPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace LlmAspire.TestPostgres;

/// <summary>
/// A throw-away PostgreSQL server for tests, started when it is first asked for. Usable as an assembly or class fixture
/// of xunit; <see cref="Shared"/> is one for the whole process. The server goes when the process goes, even by SIGKILL.
/// </summary>
public sealed class PostgresFixture : IAsyncDisposable
{
    private readonly Lazy<Task<PostgresServer>> _server;

    /// <summary>A fast server: a crash of the machine would cost it its data.</summary>
    public PostgresFixture()
        : this(durable: false)
    {
    }

    private PostgresFixture(bool durable) => _server = new(() => StartAsync(durable));

    /// <summary>The server of this process; nobody needs to dispose it.</summary>
    public static PostgresFixture Shared { get; } = new();

    /// <summary>A server with fsync on, for tests of durability.</summary>
    public static PostgresFixture CreateDurable() => new(durable: true);

    /// <summary>The server itself, to stop or restart it.</summary>
    public Task<PostgresServer> GetServerAsync() => _server.Value;

    /// <summary>Creates an empty database with a name of its own.</summary>
    /// <returns>Its connection string, as the superuser.</returns>
    public async Task<string> CreateDatabaseAsync()
    {
        var running = await _server.Value;
        var name = UniqueName();
        await running.EnsureDatabaseAsync(name);
        return running.ConnectionStringFor(name);
    }

    /// <summary>The connection string of a database that does not exist yet.</summary>
    public async Task<string> ReserveDatabaseAsync() => (await _server.Value).ConnectionStringFor(UniqueName());

    public async ValueTask DisposeAsync()
    {
        if (_server.IsValueCreated)
        {
            NpgsqlConnection.ClearAllPools();
            await (await _server.Value).DisposeAsync();
        }
    }

    private static string UniqueName() => $"test_{Guid.NewGuid():N}";

    private static Task<PostgresServer> StartAsync(bool durable) => PostgresServer.StartAsync(
        new PostgresServerOptions
        {
            DataDirectory = Path.Combine(Path.GetTempPath(), $"llmaspire-test-postgres-{Guid.NewGuid():N}"),
            Password = Guid.NewGuid().ToString("N"),
            Durable = durable,
            // Many hosts at once, each with pools of up to 100.
            MaxConnections = 1000,
            Throwaway = true,
        },
        NullLogger.Instance);
}
