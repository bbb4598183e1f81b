using System.Diagnostics;
using System.Globalization;
using LlmAspire.TestPostgres;
using LlmAspire.UsageWorker.Tests.Prices;
using Npgsql;

namespace LlmAspire.UsageWorker.Tests;

/// <summary>Traces hold what people did.</summary>
public class TraceTests(PostgresFixture postgres)
{
    private const string Often = "00:00:00.02";

    [Fact]
    public async Task nothing_that_the_worker_does_by_itself_is_in_a_trace_of_it_or_of_the_gateway()
    {
        await using var gateway = await TestGateway.StartAsync();
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var host = await WorkerHost.StartAsync(
            connectionString,
            pollInterval: TimeSpan.Parse(Often, CultureInfo.InvariantCulture),
            settings:
            [
                ("LLM_BASE_URL", gateway.Url), ("Prices:SyncInterval", Often), ("Reconciliation:Interval", Often), ("Sweeper:Interval", Often),
                ("Rollups:Interval", Often), ("Retention:Interval", Often), ("Retention:Months", "1"), ("Backlog:Interval", Often), ("Usage:LivenessInterval", Often),
            ]);

        await WorkerHost.WaitAsync(() => Task.FromResult(gateway.Asked >= 10));
        await host.Writer.WriteAsync(Calls.Settle(), TestContext.Current.CancellationToken);
        await WorkerHost.WaitAsync(() => Task.FromResult(host.Spans.Any(span => span.OperationName == "ingest usage")));

        Assert.DoesNotContain(host.Spans, IsOfThisHost);
        // What the gateway makes of it follows what it is told.
        Assert.All(gateway.Traceparents, traceparent => Assert.EndsWith("-00", traceparent, StringComparison.Ordinal));

        // The listener hears the whole process, and other tests run beside this one.
        bool IsOfThisHost(Activity span) => span.TagObjects.Any(tag => tag switch
        {
            { Key: "db.namespace", Value: string name } => name == new NpgsqlConnectionStringBuilder(connectionString).Database,
            { Key: "server.port", Value: int port } => port == new Uri(gateway.Url).Port,
            _ => false,
        });
    }
}
