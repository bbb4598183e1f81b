using LlmAspire.TestPostgres;

namespace LlmAspire.UsageWorker.Tests;

public class SweepWorkerTests(PostgresFixture postgres)
{
    private static readonly (string, string)[] AtOnce = [("Sweeper:Interval", "00:00:00.02"), ("Sweeper:Grace", "00:00:00")];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task workers_side_by_side_make_one_row_of_the_call_of_a_process_that_died_and_a_late_settle_replaces_it()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var host = await WorkerHost.StartAsync(connectionString, settings: AtOnce);
        await using var other = await WorkerHost.StartAsync(connectionString, settings: AtOnce);
        using var metrics = new Metrics(host, other);

        var call = await host.OpenCallOfTheDeadAsync();
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT outcome FROM ledger.llm_usage") is "interrupted");
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Sum("llmaspire.ledger.swept") > 0));
        Assert.Equal(1, metrics.Sum("llmaspire.ledger.swept"));
        Assert.Equal(0L, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));

        await host.Writer.WriteAsync(call, Cancellation);
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Sum("llmaspire.ledger.replaced") > 0));

        Assert.Equal("completed", await host.ScalarAsync("SELECT outcome FROM ledger.llm_usage"));
        Assert.Equal(46L, await host.ScalarAsync("SELECT used_tokens FROM ledger.allowance"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_sweeper_whose_connections_are_cut_goes_on()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync(), settings: AtOnce);

        await host.ScalarAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        // Not for the test itself.
        host.Source.Clear();
        await host.OpenCallOfTheDeadAsync();

        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == 1);
    }
}
