using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmAspire.ServiceDefaults;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Backlog;
using LlmAspire.UsageWorker.Ingestion;
using LlmAspire.UsageWorker.Prices;
using LlmAspire.UsageWorker.Reconciliation;
using LlmAspire.UsageWorker.Retention;
using LlmAspire.UsageWorker.Rollups;
using LlmAspire.UsageWorker.Sweeping;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace LlmAspire.UsageWorker.Tests;

/// <summary>The worker's services in this process, with a writer beside them, and what they trace.</summary>
internal sealed class WorkerHost : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly IHost _host;
    private readonly SpanCollector _spans;
    private readonly LogCollector _log;

    private readonly string _spoolFolder;

    private WorkerHost(IHost host, SpanCollector spans, LogCollector log, string spoolFolder)
    {
        _host = host;
        _spans = spans;
        _log = log;
        _spoolFolder = spoolFolder;
    }

    public IUsageEventWriter Writer => _host.Services.GetRequiredService<IUsageEventWriter>();

    public UsageSums Sums => _host.Services.GetRequiredService<UsageSums>();

    public HealthCheckService Health => _host.Services.GetRequiredService<HealthCheckService>();

    public IMeterFactory Meters => _host.Services.GetRequiredService<IMeterFactory>();

    public NpgsqlDataSource Source => _host.Services.GetRequiredService<NpgsqlDataSource>();

    /// <summary>Spans that have ended.</summary>
    public IReadOnlyCollection<Activity> Spans => _spans.Ended;

    /// <summary>What our classes have logged: the worker's settings leave out what libraries say at this level.</summary>
    public IEnumerable<LogLine> Log => _log.Lines.Where(line => line.Category.StartsWith("LlmAspire.", StringComparison.Ordinal));

    /// <summary>What a class has logged.</summary>
    public IEnumerable<(LogLevel Level, string Text)> LogOf<T>() =>
        _log.Lines.Where(line => line.Category == typeof(T).FullName).Select(line => (line.Level, line.Text));

    /// <summary>Starts it and waits until it listens.</summary>
    /// <exception cref="InvalidOperationException">The schema cannot be brought up to date: the host would try for ever. The reason is the host's own.</exception>
    public static async Task<WorkerHost> StartAsync(
        string connectionString, bool worker = true, TimeSpan? pollInterval = null, params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:llm"] = connectionString;
        if (pollInterval is { } interval)
        {
            builder.Configuration["Ingestion:PollInterval"] = interval.ToString();
        }

        // Of its own: a host adopts what others leave in a common one.
        var spoolFolder = Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}");
        builder.Configuration["Spool:Directory"] = spoolFolder;
        foreach (var (key, value) in settings)
        {
            builder.Configuration[key] = value;
        }

        var log = new LogCollector();
        builder.Logging.AddProvider(log);
        var spans = new SpanCollector();
        builder.AddServiceDefaults();
        builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor(spans));
        builder.AddLedger();
        builder.AddUsageWriters();
        if (worker)
        {
            builder.AddIngestion();
            builder.AddSweeping();
            builder.AddRetention();
            builder.AddRollups();
            builder.AddPriceSync();
            builder.AddReconciliation();
            builder.AddBacklog();
        }

        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        var started = new WorkerHost(host, spans, log, spoolFolder);
        var ready = host.Services.GetRequiredService<ILedgerReadiness>().WhenReadyAsync(TestContext.Current.CancellationToken);
        if (await Task.WhenAny(ready, log.SchemaFailure) != ready)
        {
            await started.DisposeAsync();
            throw new InvalidOperationException(await log.SchemaFailure);
        }

        await ready;
        if (worker)
        {
            await WaitAsync(async () => await started.ListenersAsync() > 0);
        }

        return started;
    }

    public async Task<long> ListenersAsync() => (long)(await ScalarAsync(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'"))!;

    public async Task<object?> ScalarAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    public async Task<Guid[]> RowIdsAsync()
    {
        await using var scope = _host.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<LedgerContext>().Usage
            .Select(row => row.Id).OrderBy(id => id).ToArrayAsync(TestContext.Current.CancellationToken);
    }

    public static async Task WaitAsync(Func<Task<bool>> condition)
    {
        var since = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(since) < Patience, "waited in vain");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(TestContext.Current.CancellationToken);
        _host.Dispose();
        if (Directory.Exists(_spoolFolder))
        {
            Directory.Delete(_spoolFolder, recursive: true);
        }
    }

    private sealed class SpanCollector : BaseProcessor<Activity>
    {
        public ConcurrentQueue<Activity> Ended { get; } = new();

        public override void OnEnd(Activity data) => Ended.Enqueue(data);
    }

    private sealed class LogCollector : ILoggerProvider
    {
        private readonly TaskCompletionSource<string> _schemaFailure = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when the schema cannot be brought up to date, with the reason.</summary>
        public Task<string> SchemaFailure => _schemaFailure.Task;

        public ConcurrentQueue<LogLine> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => new Logger(categoryName, this);

        public void Dispose()
        {
        }

        private sealed class Logger(string category, LogCollector log) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state)
                where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
            {
                log.Lines.Enqueue(new LogLine(category, logLevel, formatter(state, exception), exception));
                if (eventId.Name == nameof(Usage.Log.SchemaCannotBeMigrated))
                {
                    log._schemaFailure.TrySetResult($"{formatter(state, exception)} {exception}");
                }
            }
        }
    }
}

internal sealed record LogLine(string Category, LogLevel Level, string Text, Exception? Exception);
