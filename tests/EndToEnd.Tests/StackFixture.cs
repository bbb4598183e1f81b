using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using LlmAspire.EndToEnd.Tests;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

[assembly: AssemblyFixture(typeof(StackFixture))]

namespace LlmAspire.EndToEnd.Tests;

/// <summary>The whole stack, started once from the AppHost: embedded services, the demo gateway, ports and data of its own.</summary>
public sealed class StackFixture : IAsyncLifetime
{
    /// <summary>What the stack is started with, as LiteLLM wants keys.</summary>
    public const string GatewayKey = "sk-end-to-end";

    /// <summary>
    /// A busy machine is no outage: what went to the spool of one process, another would not see in time.
    /// </summary>
    private static readonly Dictionary<string, string> Patience = new()
    {
        ["Usage__PostgresPatience"] = "00:01:00",
        ["Usage__SettleTimeout"] = "00:02:00",
        // Nor is it a lost connection.
        ["PageConnection__Silence"] = "00:00:08",
    };

    /// <summary>On a machine with fifteen other busy processes a start took two minutes.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(8);
    private readonly string _dataDirectory = CreateDataDirectory();
    private OtlpReceiver? _otlp;
    private DistributedApplication? _app;
    private StackLog? _log;

    public DistributedApplication App => _app ?? throw new InvalidOperationException("The stack has not started.");

    public OtlpReceiver Otlp => _otlp ?? throw new InvalidOperationException("The stack has not started.");

    /// <summary>What the resources have logged.</summary>
    public StackLog Log => _log ?? throw new InvalidOperationException("The stack has not started.");

    /// <summary>The base address of the front end.</summary>
    public Uri Web => App.GetEndpoint("web", "http");

    public async ValueTask InitializeAsync()
    {
        using var patience = new CancellationTokenSource(StartPatience);
        _otlp = await OtlpReceiver.StartAsync();

        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [
                "Stack:Mode=embedded",
                "Stack:Gateway=demo",
                $"Stack:DataDirectory={_dataDirectory}",
                $"Stack:HealthPatience={StartPatience}",
                "Parameters:postgres-password=end-to-end",
                "Parameters:litellm-master-key=end-to-end",
            ],
            patience.Token);

        _log = new StackLog(Artifacts.PathOf("stack.log"));
        builder.Services.AddLogging(logging => logging.AddProvider(_log));
        foreach (var project in builder.Resources.OfType<ProjectResource>())
        {
            var resource = builder.CreateResourceBuilder(project)
                .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", _otlp.Endpoint)
                .WithEnvironment("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
                .WithEnvironment("OTEL_BSP_SCHEDULE_DELAY", "200")
                // Tests ask faster than people.
                .WithEnvironment("Plans__Pro__RequestsPerMinute", "100000")
                // And see at once what became of them.
                .WithEnvironment("Reconciliation__Delay", "00:00:01")
                .WithEnvironment("Reconciliation__Interval", "00:00:03")
                // More cycles of what is in no trace.
                .WithEnvironment("Gateway__CatalogRefresh", "00:00:03");
            foreach (var (name, value) in Patience)
            {
                resource.WithEnvironment(name, value);
            }
        }

        _app = await builder.BuildAsync(patience.Token);
        await _app.StartAsync(patience.Token);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("usage-worker", patience.Token);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("web", patience.Token);
    }

    /// <summary>The environment of another service that shares database and gateway with the stack.</summary>
    public async Task<Dictionary<string, string>> GetServiceSettingsAsync(CancellationToken cancellationToken) => new(Patience)
    {
        ["ConnectionStrings__llm"] = (await App.GetConnectionStringAsync("llm", cancellationToken))!,
        ["LLM_BASE_URL"] = App.GetEndpoint("litellm", "http").ToString(),
        ["LLM_API_KEY"] = GatewayKey,
    };

    /// <summary>Opens a connection to the database of the stack.</summary>
    public async Task<NpgsqlConnection> OpenDatabaseAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(await App.GetConnectionStringAsync("llm", cancellationToken));
        await connection.OpenAsync(cancellationToken);

        return connection;
    }

    /// <summary>Open to read for others: run as root, PostgreSQL runs as somebody else, who must get to its own folder in it.</summary>
    private static string CreateDataDirectory()
    {
        var folder = Directory.CreateTempSubdirectory("llmaspire-e2e-").FullName;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }

        return folder;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        if (_otlp is not null)
        {
            await _otlp.DisposeAsync();
        }

        _log?.Dispose();
        Directory.Delete(_dataDirectory, recursive: true);
        RootSpans.AssertOfPeople(_otlp?.Spans ?? []);
    }
}
