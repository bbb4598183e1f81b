using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.UsageWorker.Tests;

public class RetentionWorkerTests(PostgresFixture postgres)
{
    private const string Months = "SELECT string_agg(right(inhrelid::regclass::text, 7), ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'ledger.llm_usage'::regclass";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task whole_months_that_are_no_longer_kept_are_dropped_and_their_sums_stay()
    {
        var now = DateTimeOffset.UtcNow;
        var connectionString = await postgres.CreateDatabaseAsync();
        await using (var before = await WorkerHost.StartAsync(connectionString))
        {
            foreach (var months in new[] { 0, 1, 2, 3, 20 })
            {
                await before.Writer.WriteAsync(Calls.Settle() with { Id = Guid.CreateVersion7(now.AddMonths(-months)) }, Cancellation);
            }

            // Without the setting everything is kept.
            await WorkerHost.WaitAsync(async () => (await before.RowIdsAsync()).Length == 5);
            Assert.Equal(Names(-20, -3, -2, -1, 0, 1), await before.ScalarAsync(Months));
        }

        await using var host = await WorkerHost.StartAsync(connectionString, settings: ("Retention:Months", "2"));
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT count(*) FROM ledger.usage_retention") is 1L);

        Assert.Equal(Names(-2, -1, 0, 1), await host.ScalarAsync(Months));
        Assert.Equal(3, (await host.RowIdsAsync()).Length);
        Assert.Equal(5L, await host.ScalarAsync("SELECT sum(calls)::bigint FROM ledger.usage_rollup_org"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));

        string Names(params int[] months) => string.Join(' ', months.Select(month => $"{now.AddMonths(month):yyyy_MM}"));
    }

    [Fact]
    public async Task a_month_that_somebody_reads_is_dropped_at_a_later_look()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var writer = await WorkerHost.StartAsync(connectionString);
        await writer.Writer.WriteAsync(Calls.Settle() with { Id = Guid.CreateVersion7(DateTimeOffset.UtcNow.AddMonths(-3)) }, Cancellation);
        await WorkerHost.WaitAsync(async () => (await writer.RowIdsAsync()).Length == 1);
        await using var report = await writer.Source.OpenConnectionAsync(Cancellation);
        await using var reading = await report.BeginTransactionAsync(Cancellation);
        await using (var read = new NpgsqlCommand("SELECT count(*) FROM ledger.llm_usage", report))
        {
            await read.ExecuteScalarAsync(Cancellation);
        }

        await using var host = await WorkerHost.StartAsync(connectionString, settings: [("Retention:Months", "1"), ("Retention:Interval", "00:00:00.05")]);
        await WorkerHost.WaitAsync(async () => await writer.ScalarAsync("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted") is > 0L);
        Assert.Single(await writer.RowIdsAsync());
        await reading.RollbackAsync(Cancellation);

        await WorkerHost.WaitAsync(async () => (await writer.RowIdsAsync()).Length == 0);
    }
}
