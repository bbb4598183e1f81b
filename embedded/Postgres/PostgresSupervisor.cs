using Npgsql;

namespace LlmAspire.EmbeddedPostgres;

/// <summary>Runs the server as long as this process lives, and ends this process when the server ends.</summary>
internal sealed class PostgresSupervisor(
    PostgresServerOptions options, ILogger<PostgresSupervisor> logger, IHostApplicationLifetime lifetime) : BackgroundService
{
    private const int ExitCodeSetup = 2;
    private const int ExitCodeDied = 1;

    private volatile string? _connectionString;

    /// <summary>True when the server answers a query.</summary>
    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        if (_connectionString is not { } server)
        {
            return false;
        }

        try
        {
            await using var connection = new NpgsqlConnection(server);
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT 1", connection);
            await command.ExecuteScalarAsync(cancellationToken);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await using var started = await PostgresServer.StartAsync(options, logger, stoppingToken);
            foreach (var database in options.Databases.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                await started.EnsureDatabaseAsync(database, stoppingToken);
            }

            // Not pooled: the server would have to cut the idle connection of a probe when it stops.
            _connectionString = new NpgsqlConnectionStringBuilder(started.ConnectionString) { Pooling = false }.ConnectionString;
            await Task.WhenAny(started.Exited, Task.Delay(Timeout.Infinite, stoppingToken));
            _connectionString = null;
            if (!stoppingToken.IsCancellationRequested)
            {
                logger.Died(started.TextOfLastLines());
                End(ExitCodeDied);
            }
        }
        catch (PostgresSetupException exception)
        {
            logger.CannotStart(exception.Message);
            End(ExitCodeSetup);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped while it started.
        }
        catch (Exception exception)
        {
            logger.Failed(exception);
            End(ExitCodeDied);
        }
    }

    /// <summary>Ends the process, once it has started: a host that is stopped before ends with an exception, and with its exit code.</summary>
    private void End(int exitCode)
    {
        Environment.ExitCode = exitCode;
        lifetime.ApplicationStarted.Register(lifetime.StopApplication);
    }
}
