using System.Globalization;
using System.Reflection;
using LlmAspire.EmbeddedPostgres;
using LlmAspire.KillTest.Reconciliation;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmAspire.KillTest.Stack;

/// <summary>A whole stack of its own: a durable PostgreSQL, the demo gateway, two Apis, two workers. With short graces, so that a run is short.</summary>
internal sealed class KillStack : IAsyncDisposable
{
    public const string GatewayName = "gateway";

    /// <summary>What the sweeper waits for before it gives a call up.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(3);

    private const string GatewayKey = "sk-kill-test";
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(120);

    private KillStack(string folder, PostgresProcess postgres, IReadOnlyDictionary<string, string> apiSettings)
    {
        var ports = new Ports();
        Folder = folder;
        Postgres = postgres;
        Gateway = NewService(GatewayName, "DemoGateway", ports, new()
        {
            ["LITELLM_MASTER_KEY"] = GatewayKey,
            ["Gateway__ServedPath"] = Path.Combine(folder, "served.jsonl"),
            ["Gateway__TimeToFirstTokenMs"] = "100",
            ["Gateway__TokensPerSecond"] = "40",
        });
        Apis = [.. new[] { "api-1", "api-2" }.Select(name => NewService(name, "Api", ports, new(apiSettings.Concat(Outages.LogSettings))
        {
            ["ConnectionStrings__llm"] = postgres.ConnectionString,
            ["LLM_BASE_URL"] = Gateway.Url.ToString(),
            ["LLM_API_KEY"] = GatewayKey,
            ["Spool__Directory"] = SpoolOf(name),
            ["Spool__AdoptionInterval"] = "00:00:02",
            ["Usage__LivenessInterval"] = "00:00:00.5",
            // Titles are calls that no client sees.
            ["Chat__GenerateTitles"] = "false",
            // More than the demo accounts ask for, but a limit: every call passes the check of the allowance.
            ["Plans__Pro__TokensPerMonth"] = "1000000000",
            ["Plans__Basic__RequestsPerMinute"] = "100000",
            ["Plans__Pro__RequestsPerMinute"] = "100000",
            ["Plans__Enterprise__RequestsPerMinute"] = "100000",
            ["Plans__Basic__ConcurrentRuns"] = "10000",
            ["Plans__Pro__ConcurrentRuns"] = "10000",
            ["Plans__Enterprise__ConcurrentRuns"] = "10000",
        }))];
        Workers = [.. new[] { "worker-1", "worker-2" }.Select(name => NewService(name, "UsageWorker", ports, new()
        {
            ["ConnectionStrings__llm"] = postgres.ConnectionString,
            ["Sweeper__Grace"] = Grace.ToString("c", CultureInfo.InvariantCulture),
            ["Sweeper__Interval"] = "00:00:00.5",
        }))];
    }

    public string Folder { get; }

    public PostgresProcess Postgres { get; }

    public ServiceProcess Gateway { get; }

    public IReadOnlyList<ServiceProcess> Apis { get; }

    public IReadOnlyList<ServiceProcess> Workers { get; }

    public IEnumerable<ServiceProcess> Services => [Gateway, .. Apis, .. Workers];

    /// <summary>The files that the Apis' spools consist of.</summary>
    public IEnumerable<string> SpoolFiles => Apis
        .Select(api => SpoolOf(api.Name))
        .Where(Directory.Exists)
        .SelectMany(Directory.EnumerateFiles);

    /// <summary>Starts everything and waits until it is healthy.</summary>
    /// <param name="apiSettings">Settings of the Apis that only this run has.</param>
    /// <exception cref="KillTestException">It does not start.</exception>
    public static async Task<KillStack> StartAsync(string folder, IReadOnlyDictionary<string, string> apiSettings, CancellationToken cancellationToken)
    {
        PostgresServer server;
        try
        {
            server = await PostgresServer.StartAsync(
                new PostgresServerOptions
                {
                    DataDirectory = Path.Combine(folder, "postgres"),
                    Password = Guid.NewGuid().ToString("N"),
                    Port = new Ports().Next(),
                    Throwaway = true,
                },
                NullLogger.Instance,
                cancellationToken);
        }
        catch (PostgresSetupException exception)
        {
            throw new KillTestException(exception.Message, exception);
        }

        var stack = new KillStack(folder, new PostgresProcess(server), apiSettings);
        try
        {
            foreach (var service in stack.Services)
            {
                service.Start();
            }

            await stack.WaitUntilHealthyAsync(StartPatience, cancellationToken);
            return stack;
        }
        catch (Exception exception)
        {
            await stack.DisposeAsync();
            throw exception is NotHealthyException ? new KillTestException($"The stack does not start. {exception.Message} See {folder}.", exception) : exception;
        }
    }

    /// <exception cref="NotHealthyException">One of them took longer than <paramref name="patience"/>.</exception>
    public Task WaitUntilHealthyAsync(TimeSpan patience, CancellationToken cancellationToken) =>
        Task.WhenAll(Services.Select(service => service.WaitUntilHealthyAsync(patience, cancellationToken)));

    /// <summary>What the gateway says that it served.</summary>
    public async Task<IReadOnlyList<ServedCall>> ReadServedAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = Gateway.Url };
        http.DefaultRequestHeaders.Authorization = new("Bearer", GatewayKey);
        return await ServedCall.ReadAsync(http, cancellationToken);
    }

    /// <summary>Runs a command of the worker, such as <c>verify</c>, and gives back its exit code and output.</summary>
    public async Task<(int? ExitCode, string Output)> RunWorkerCommandAsync(string command, TimeSpan patience)
    {
        var start = new System.Diagnostics.ProcessStartInfo("dotnet", [AssemblyOf("UsageWorker"), command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(AssemblyOf("UsageWorker")),
        };
        start.Environment["ConnectionStrings__llm"] = Postgres.ConnectionString;
        using var process = System.Diagnostics.Process.Start(start)!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var deadline = new CancellationTokenSource(patience);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, string.Concat(await output).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            return (null, string.Concat(await output).Trim());
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in Services)
        {
            await service.DisposeAsync();
        }

        await Postgres.DisposeAsync();
    }

    private static string AssemblyOf(string service) => Assembly.GetExecutingAssembly()
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .FirstOrDefault(metadata => metadata.Key == $"service:{service}")?.Value
        ?? throw new KillTestException($"This program was built without {service}.");

    private string SpoolOf(string api) => Path.Combine(Folder, $"{api}-spool");

    private ServiceProcess NewService(string name, string project, Ports ports, Dictionary<string, string> settings) => new(
        name, AssemblyOf(project), new Uri($"http://127.0.0.1:{ports.Next()}"), settings, Path.Combine(Folder, $"{name}.log"));
}
