using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.Usage.Tests;

/// <summary>A service with the ledger and its writer on a database, as the Api has them.</summary>
internal sealed class LedgerHost : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly LogCollector _log;

    private LedgerHost(IHost host, LogCollector log, string spoolFolder)
    {
        _host = host;
        _log = log;
        SpoolFolder = spoolFolder;
    }

    public UsageEventWriter Writer => _host.Services.GetRequiredService<UsageEventWriter>();

    public ICallOpener Opener => _host.Services.GetRequiredService<ICallOpener>();

    public CallSweep Sweep => _host.Services.GetRequiredService<CallSweep>();

    public UsageSums Sums => _host.Services.GetRequiredService<UsageSums>();

    public UsageDays Days => _host.Services.GetRequiredService<UsageDays>();

    public Pins Pins => _host.Services.GetRequiredService<Pins>();

    public PriceRegistry Prices => _host.Services.GetRequiredService<PriceRegistry>();

    public PricePreview Preview => _host.Services.GetRequiredService<PricePreview>();

    public UsageReports Reports => _host.Services.GetRequiredService<UsageReports>();

    public UsageCalls Calls => _host.Services.GetRequiredService<UsageCalls>();

    public UsageLatencies Latencies => _host.Services.GetRequiredService<UsageLatencies>();

    public UsageExport Export => _host.Services.GetRequiredService<UsageExport>();

    public RunningCalls Running => _host.Services.GetRequiredService<RunningCalls>();

    public SpoolFile Spool => _host.Services.GetRequiredService<SpoolFile>();

    public PostgresState Postgres => _host.Services.GetRequiredService<PostgresState>();

    /// <summary>The folder of its spool; gone with it.</summary>
    public string SpoolFolder { get; }

    public UsageIngestion Ingestion => _host.Services.GetRequiredService<UsageIngestion>();

    public ILedgerReadiness Readiness => _host.Services.GetRequiredService<ILedgerReadiness>();

    public NpgsqlDataSource Source => _host.Services.GetRequiredService<NpgsqlDataSource>();

    public IServiceProvider Services => _host.Services;

    public IEnumerable<string> LogAt(LogLevel level) => _log.Lines.Where(line => line.Level == level).Select(line => line.Text);

    /// <summary>Starts it without waiting for the schema.</summary>
    /// <param name="settings">Beyond the defaults of the tests: PostgreSQL may take a minute before the spool takes its place.</param>
    public static async Task<LedgerHost> StartAsync(string connectionString, params (string Key, string Value)[] settings)
    {
        var spoolFolder = Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}");
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration["ConnectionStrings:llm"] = connectionString;
        builder.Configuration["Spool:Directory"] = spoolFolder;
        builder.Configuration["Usage:PostgresPatience"] = "00:01:00";
        builder.Configuration["Usage:ProbeInterval"] = "00:00:00.05";
        foreach (var (key, value) in settings)
        {
            builder.Configuration[key] = value;
        }

        var log = new LogCollector();
        builder.Logging.AddProvider(log);
        builder.AddLedger();
        builder.AddUsageWriters();
        builder.AddUsageIngestion();
        var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        return new LedgerHost(host, log, builder.Configuration["Spool:Directory"]!);
    }

    /// <summary>Starts it and waits for the schema.</summary>
    /// <exception cref="InvalidOperationException">The schema cannot be brought up to date: the host would try for ever. The reason is the host's own.</exception>
    public static async Task<LedgerHost> ReadyAsync(string connectionString, params (string Key, string Value)[] settings)
    {
        var started = await StartAsync(connectionString, settings);
        var ready = started.Readiness.WhenReadyAsync(TestContext.Current.CancellationToken);
        if (await Task.WhenAny(ready, started._log.SchemaFailure) != ready)
        {
            await started.DisposeAsync();
            throw new InvalidOperationException(await started._log.SchemaFailure);
        }

        await ready;
        return started;
    }

    public Task StopAsync(CancellationToken cancellationToken) => _host.StopAsync(cancellationToken);

    public async Task<List<UsageRow>> RowsAsync()
    {
        await using var scope = _host.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<LedgerContext>().Usage.AsNoTracking()
            .OrderBy(row => row.Id).ToListAsync(TestContext.Current.CancellationToken);
    }

    public async Task<object?> ScalarAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    public Task<object?> InboxCountAsync() => ScalarAsync("SELECT count(*) FROM ledger.usage_inbox");

    /// <summary>Puts events into the inbox, also such as the writer refuses.</summary>
    public async Task PutAsync(IReadOnlyList<UsageEvent> events)
    {
        await using var command = Source.CreateCommand(UsageColumns.InsertIntoInbox);
        command.Parameters.AddRange(UsageColumns.Inbox.ParametersOf(events).ToArray());
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Ingests until the inbox is empty.</summary>
    public async Task<List<IngestedBatch>> IngestAllAsync(int limit = 500)
    {
        List<IngestedBatch> batches = [];
        while (await Ingestion.IngestAsync(limit, TestContext.Current.CancellationToken) is { Taken: > 0 } batch)
        {
            batches.Add(batch);
        }

        return batches;
    }

    /// <summary>Holds the inbox closed until disposed: writers wait, as they do for a server that hangs.</summary>
    public async Task<IAsyncDisposable> CloseInboxAsync()
    {
        var connection = await Source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand("LOCK TABLE ledger.usage_inbox", connection, transaction);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    public async Task WaitUntilAWriterWaitsAsync() => await WaitAsync(
        async () => (await ScalarAsync("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")) is 1L);

    public static async Task WaitAsync(Func<Task<bool>> condition)
    {
        var patience = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(patience) < TimeSpan.FromSeconds(30), "waited in vain");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(TestContext.Current.CancellationToken);
        _host.Dispose();
    }

    private sealed class LogCollector : ILoggerProvider, ILogger
    {
        private readonly TaskCompletionSource<string> _schemaFailure = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Ends when the schema cannot be brought up to date, with the reason.</summary>
        public Task<string> SchemaFailure => _schemaFailure.Task;

        public ConcurrentQueue<(LogLevel Level, string Text)> Lines { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = $"{formatter(state, exception)} {exception}";
            Lines.Enqueue((logLevel, text));
            if (eventId.Name == nameof(Usage.Log.SchemaCannotBeMigrated))
            {
                _schemaFailure.TrySetResult(text);
            }
        }

        public void Dispose()
        {
        }
    }
}
