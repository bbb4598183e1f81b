using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Brings the schema of a context up to date, in every process that uses it, one after the other. It tries until it is there; several processes, and the
/// migrators of several contexts, may do so at once on an empty server.
/// </summary>
internal sealed class SchemaMigrator<TContext>(
    IServiceScopeFactory scopes, SchemaReadiness<TContext> readiness, TimeProvider time, ILogger<SchemaMigrator<TContext>> logger) : BackgroundService
    where TContext : DbContext
{
    private static readonly string Name = typeof(TContext).Name.Replace("Context", "", StringComparison.Ordinal);

    /// <summary>A migration of a large schema, or the wait for another process that runs it, takes its time.</summary>
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromMinutes(10);

    /// <summary>What a server that is starting, or other processes that create the same things at the same time, lead to.</summary>
    private static readonly HashSet<string> ToBeExpected =
    [
        PostgresErrorCodes.DuplicateDatabase,
        PostgresErrorCodes.UniqueViolation, // on pg_database, pg_namespace or pg_type
        PostgresErrorCodes.DuplicateSchema,
        PostgresErrorCodes.DuplicateTable,
        PostgresErrorCodes.DuplicateColumn,
        PostgresErrorCodes.DuplicateFunction,
        PostgresErrorCodes.DuplicateObject,
        PostgresErrorCodes.LockNotAvailable,
        PostgresErrorCodes.ObjectInUse, // template1 is being copied by another process
        PostgresErrorCodes.DeadlockDetected,
        PostgresErrorCodes.InvalidCatalogName, // the database is not there yet
        PostgresErrorCodes.CannotConnectNow,
        PostgresErrorCodes.AdminShutdown,
        PostgresErrorCodes.CrashShutdown,
        PostgresErrorCodes.TooManyConnections,
    ];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(5), time);
        string? reason = null;
        while (!readiness.IsReady)
        {
            try
            {
                await EnsureDatabaseAsync(stoppingToken);
                await MigrateAsync(stoppingToken);
                readiness.SetReady();
                logger.SchemaReady(Name);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (!IsToBeExpected(exception))
                {
                    logger.SchemaCannotBeMigrated(exception, Name, backoff.Next);
                }
                else if (exception.Message != reason)
                {
                    // Once for each reason: a server may take a while to start.
                    reason = exception.Message;
                    logger.SchemaNotReadyYet(Name, reason);
                }

                await backoff.WaitAsync(stoppingToken);
            }
        }
    }

    /// <summary>Creates the database when it is missing. Waits for nothing: the caller tries again.</summary>
    private async Task EnsureDatabaseAsync(CancellationToken cancellationToken)
    {
        var wanted = new NpgsqlConnectionStringBuilder(ConnectionString()) { Pooling = false };
        try
        {
            await using var connection = new NpgsqlConnection(wanted.ConnectionString);
            await connection.OpenAsync(cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.InvalidCatalogName)
        {
            var name = wanted.Database!;
            wanted.Database = "postgres";
            await using var connection = new NpgsqlConnection(wanted.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            await using var create = new NpgsqlCommand($"CREATE DATABASE {new NpgsqlCommandBuilder().QuoteIdentifier(name)}", connection);
            await create.ExecuteNonQueryAsync(cancellationToken);
            logger.DatabaseCreated(name);
        }
    }

    private string? ConnectionString()
    {
        using var scope = scopes.CreateScope();
        return scope.ServiceProvider.GetRequiredService<TContext>().Database.GetConnectionString();
    }

    private async Task MigrateAsync(CancellationToken cancellationToken)
    {
        // One process at a time: of two, the second would create what is there, or drop what is gone. The lock goes with its transaction, however this ends.
        await using var turn = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString()) { Pooling = false }.ConnectionString);
        await turn.OpenAsync(cancellationToken);
        await using var transaction = await turn.BeginTransactionAsync(cancellationToken);
        await using var wait = new NpgsqlCommand("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", turn, transaction)
        {
            Parameters = { new() { Value = $"migrations of {Name}" } },
            CommandTimeout = (int)CommandTimeout.TotalSeconds,
        };
        await wait.ExecuteNonQueryAsync(cancellationToken);

        using var scope = scopes.CreateScope();
        var context = scope.ServiceProvider.GetRequiredService<TContext>();
        context.Database.SetCommandTimeout(CommandTimeout);
        await context.Database.MigrateAsync(cancellationToken);
    }

    private static bool IsToBeExpected(Exception exception) =>
        exception.GetBaseException() is System.Net.Sockets.SocketException
        || exception is PostgresException postgres && ToBeExpected.Contains(postgres.SqlState)
        || exception.InnerException is PostgresException inner && ToBeExpected.Contains(inner.SqlState)
        || exception is NpgsqlException { IsTransient: true };
}
