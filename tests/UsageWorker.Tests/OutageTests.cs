using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using LlmAspire.UsageWorker.Prices;
using LlmAspire.UsageWorker.Reconciliation;
using Microsoft.Extensions.Logging;

namespace LlmAspire.UsageWorker.Tests;

/// <summary>What the worker says of what it waits for: a line, and no stack.</summary>
public class OutageTests(PostgresFixture shared)
{
    private const string Often = "00:00:00.02";

    [Fact]
    public async Task a_postgresql_that_goes_and_comes_back_is_said_once_each_by_all_work_together()
    {
        await using var postgres = PostgresFixture.CreateDurable();
        var server = await postgres.GetServerAsync();
        await using var host = await WorkerHost.StartAsync(
            await postgres.CreateDatabaseAsync(), settings: [("Sweeper:Interval", Often), ("Rollups:Interval", Often), ("Backlog:Interval", Often), ("Usage:LivenessInterval", Often)]);

        await server.StopAsync(PostgresStopMode.Immediate);
        await WorkerHost.WaitAsync(() => Task.FromResult(Said().Any()));
        await server.RestartAsync(PostgresStopMode.Immediate, TestContext.Current.CancellationToken);
        await WorkerHost.WaitAsync(() => Task.FromResult(Said().Any(line => line.Text.StartsWith("PostgreSQL answers again", StringComparison.Ordinal))));

        Assert.Equal([LogLevel.Warning, LogLevel.Information], Said().Take(2).Select(line => line.Level));
        // A connection of before the outage may be found to be broken after it, by another work.
        Assert.All(Said().Zip(Said().Skip(1)), pair => Assert.NotEqual(pair.First.Level, pair.Second.Level));
        Assert.All(host.Log, line => Assert.True(line.Exception is null, $"{line.Text} {line.Exception}"));

        IEnumerable<LogLine> Said() => host.Log.Where(line => line.Category == typeof(LedgerState).FullName);
    }

    [Fact]
    public async Task a_gateway_that_has_not_started_is_a_line_of_each_who_waits_for_it()
    {
        await using var host = await WorkerHost.StartAsync(await shared.CreateDatabaseAsync(), settings: ("LLM_BASE_URL", "http://127.0.0.1:1"));

        await WorkerHost.WaitAsync(() => Task.FromResult(host.LogOf<PriceSyncWorker>().Any() && host.LogOf<ReconciliationWorker>().Any()));

        Assert.Equal(
            (LogLevel.Information, "The gateway does not answer yet (Connection refused (127.0.0.1:1)): its prices are asked for until it does. The last ones stay in force"),
            Assert.Single(host.LogOf<PriceSyncWorker>()));
        Assert.Equal(
            (LogLevel.Information, "The ledger is not compared with the gateway's spend logs (unreachable): The gateway cannot be reached: Connection refused (127.0.0.1:1) They are asked for again and again"),
            Assert.Single(host.LogOf<ReconciliationWorker>()));
        Assert.All(host.Log, line => Assert.Null(line.Exception));
    }
}
