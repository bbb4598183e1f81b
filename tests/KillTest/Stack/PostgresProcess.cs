using LlmAspire.EmbeddedPostgres;
using Npgsql;

namespace LlmAspire.KillTest.Stack;

/// <summary>The PostgreSQL server of a run, durable, and ways to take it down. Not to be used concurrently.</summary>
internal sealed class PostgresProcess(PostgresServer server) : IAsyncDisposable
{
    private const string Database = "llm";

    public string ConnectionString { get; } = server.ConnectionStringFor(Database);

    /// <summary>For questions of this test: without a pool, whose connections every kill would break.</summary>
    public NpgsqlDataSource Source { get; } = NpgsqlDataSource.Create(
        new NpgsqlConnectionStringBuilder(server.ConnectionStringFor(Database)) { Pooling = false, CommandTimeout = 120 });

    /// <summary><c>pg_ctl stop --mode immediate</c>: the server ends without writing anything, and recovers at its next start.</summary>
    public Task StopImmediatelyAsync() => server.StopAsync(PostgresStopMode.Immediate);

    public Task StopAsync() => server.StopAsync();

    /// <summary>SIGKILL of the postmaster. Ends when its children have noticed and are gone.</summary>
    public async Task KillAsync()
    {
        await Signals.SendAsync("KILL", server.ProcessId);
        await server.Exited;
        // There is nothing to stop any more; the server's object has to know.
        await server.StopAsync(PostgresStopMode.Immediate);
    }

    public Task StartAsync(CancellationToken cancellationToken) => server.StartAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await server.DisposeAsync();
    }
}
