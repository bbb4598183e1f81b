using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.AppHost.Commands;

/// <summary>
/// Deletes all data of the stack while its services are stopped. The schemas go in one transaction, and the files before its end: whatever interrupts it, old usage never comes
/// into a new ledger, and the next start, or the next reset, finds a stack that works.
/// </summary>
/// <param name="database">Where the schemas are.</param>
/// <param name="services">All that use them or have records of their own, in the order in which they stop.</param>
internal sealed partial class ResetCommand(
    IResourceWithConnectionString database, IReadOnlyList<IResource> services, DistributedApplicationExecutionContext execution)
{
    /// <summary>Those of the two contexts. The services make them again when they start.</summary>
    private const string DropSchemas = "DROP SCHEMA IF EXISTS ledger, tenant CASCADE";

    /// <summary>Somebody else may look into the tables.</summary>
    private const string BoundWait = "SET LOCAL lock_timeout = '10s'";

    /// <summary>The settings of a service that name a file or a folder with data.</summary>
    private static readonly string[] PathSettings = ["Spool__Directory", "Gateway__ServedPath"];

    private int _running;

    /// <summary>Runs it. A person who closes the dashboard meanwhile does not end it; the end of the AppHost does.</summary>
    public async Task<ExecuteCommandResult> RunAsync(ExecuteCommandContext context)
    {
        if (Interlocked.Exchange(ref _running, 1) == 1)
        {
            return CommandResults.Failure("A reset is running already.");
        }

        try
        {
            await ResetAsync(context, context.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
            return CommandResults.Success("All data is gone. The services are ready again.");
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or UnauthorizedAccessException or DistributedApplicationException)
        {
            return CommandResults.Failure(exception.Message);
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    private async Task ResetAsync(ExecuteCommandContext context, CancellationToken stopping)
    {
        // Before anything is stopped: without the database nothing can be reset. Not out of a pool, in which a connection outlives its server.
        var server = new NpgsqlConnectionStringBuilder(await database.GetConnectionStringAsync(stopping)) { Pooling = false };
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync(stopping);
        var paths = await FindPathsAsync(context.Logger, stopping);
        // The last one that stops starts first. One that could not be stopped in time is in no state that can be trusted: a start ends it and begins anew.
        Stack<IResource> stopped = [];
        try
        {
            foreach (var service in services)
            {
                stopped.Push(service);
                await StopAsync(service, context, stopping);
            }

            await using var transaction = await connection.BeginTransactionAsync(stopping);
            await using var drop = new NpgsqlCommand($"{BoundWait}; {DropSchemas}", connection) { CommandTimeout = 0 };
            await drop.ExecuteNonQueryAsync(stopping);
            paths.ForEach(Delete);
            await transaction.CommitAsync(stopping);
            LogDeleted(context.Logger);
        }
        finally
        {
            if (!stopping.IsCancellationRequested)
            {
                await StartAsync(stopped, context, stopping);
            }
        }
    }

    private async Task<List<string>> FindPathsAsync(ILogger logger, CancellationToken cancellationToken)
    {
        List<string> paths = [];
        foreach (var service in services)
        {
            var environment = await service.ReadEnvironmentAsync(execution, logger, cancellationToken);
            paths.AddRange(PathSettings.Where(environment.ContainsKey).Select(setting => environment[setting]));
        }

        return paths;
    }

    private static void Delete(string path)
    {
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }
    }

    private static async Task StopAsync(IResource service, ExecuteCommandContext context, CancellationToken cancellationToken)
    {
        var notifications = context.Services.GetRequiredService<ResourceNotificationService>();
        if (notifications.TryGetCurrentState(service.Name, out var current) && HasEnded(current.Snapshot))
        {
            return;
        }

        LogStopping(context.Logger, service.Name);
        await ExecuteAsync(service, KnownResourceCommands.StopCommand, context, cancellationToken);
        await notifications.WaitForResourceAsync(service.Name, changed => HasEnded(changed.Snapshot), cancellationToken);
    }

    private static async Task StartAsync(IReadOnlyCollection<IResource> stopped, ExecuteCommandContext context, CancellationToken cancellationToken)
    {
        foreach (var service in stopped)
        {
            LogStarting(context.Logger, service.Name);
            await ExecuteAsync(service, KnownResourceCommands.StartCommand, context, cancellationToken);
        }

        foreach (var service in stopped)
        {
            await context.Services.GetRequiredService<ResourceNotificationService>()
                .WaitForResourceHealthyAsync(service.Name, WaitBehavior.StopOnResourceUnavailable, cancellationToken);
        }
    }

    private static async Task ExecuteAsync(IResource service, string command, ExecuteCommandContext context, CancellationToken cancellationToken)
    {
        var result = await context.Services.GetRequiredService<ResourceCommandService>().ExecuteCommandAsync(service, command, cancellationToken);
        if (!result.Success)
        {
            throw new DistributedApplicationException($"'{service.Name}' does not obey the command '{command}': {result.Message}");
        }
    }

    private static bool HasEnded(CustomResourceSnapshot service) => KnownResourceStates.TerminalStates.Contains(service.State?.Text);

    [LoggerMessage(LogLevel.Information, "Reset: stopping {Service}")]
    private static partial void LogStopping(ILogger logger, string service);

    [LoggerMessage(LogLevel.Information, "Reset: all data is deleted")]
    private static partial void LogDeleted(ILogger logger);

    [LoggerMessage(LogLevel.Information, "Reset: starting {Service}")]
    private static partial void LogStarting(ILogger logger, string service);
}
