using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.AppHost.Tests;

/// <summary>The embedded stack with the demo gateway, with ports and data of its own.</summary>
public sealed class CommandFixture : IAsyncLifetime
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(5);

    private readonly string _dataDirectory = DataDirectory.Create();
    private DistributedApplication? _app;

    public DistributedApplication App => _app ?? throw new InvalidOperationException("The stack has not started.");

    public Uri Api => App.GetEndpoint("api", "http");

    /// <summary>As the Api was told.</summary>
    public string SpoolDirectory { get; private set; } = "";

    /// <summary>As the demo gateway was told.</summary>
    public string ServedPath { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(StartPatience);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [
                "Stack:Mode=embedded",
                "Stack:Gateway=demo",
                $"Stack:DataDirectory={_dataDirectory}",
                $"Stack:HealthPatience={StartPatience}",
                "Parameters:postgres-password=command-test",
                "Parameters:litellm-master-key=command-test",
            ],
            patience.Token);
        foreach (var project in builder.Resources.OfType<ProjectResource>())
        {
            builder.CreateResourceBuilder(project).WithEnvironment(context =>
            {
                SpoolDirectory = context.EnvironmentVariables.TryGetValue("Spool__Directory", out var spool) ? (string)spool : SpoolDirectory;
                ServedPath = context.EnvironmentVariables.TryGetValue("Gateway__ServedPath", out var served) ? (string)served : ServedPath;
                // There is no dashboard: exporters that wait for one hold up the stop.
                context.EnvironmentVariables["OTEL_EXPORTER_OTLP_ENDPOINT"] = "";
            });
        }

        _app = await builder.BuildAsync(patience.Token);
        await _app.StartAsync(patience.Token);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("usage-worker", patience.Token);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("web", patience.Token);
    }

    /// <summary>Opens a connection to the database of the stack.</summary>
    public async Task<NpgsqlConnection> OpenDatabaseAsync(CancellationToken cancellationToken)
    {
        // Not out of a pool: those that a reset has closed would come back from it.
        var connection = new NpgsqlConnection($"{await App.GetConnectionStringAsync("llm", cancellationToken)};Pooling=false");
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    /// <summary>Waits for a line in the console log that the dashboard shows of a resource.</summary>
    public async Task WaitForConsoleLineAsync(string resource, Func<string, bool> isIt, CancellationToken cancellationToken)
    {
        var running = await App.ResourceNotifications.WaitForResourceHealthyAsync(resource, cancellationToken);
        await foreach (var lines in App.Services.GetRequiredService<ResourceLoggerService>().WatchAsync(running.ResourceId).WithCancellation(cancellationToken))
        {
            if (lines.Any(line => isIt(line.Content)))
            {
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        Directory.Delete(_dataDirectory, recursive: true);
    }
}
