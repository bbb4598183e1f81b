using LlmAspire.TestPostgres;

namespace LlmAspire.UsageWorker.Tests;

public class RollupWorkerTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task days_that_have_ended_are_added_up_and_again_when_a_call_comes_late()
    {
        var now = DateTimeOffset.UtcNow;
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync(), settings: ("Rollups:Interval", "00:00:00.05"));
        foreach (var expected in new[] { 1L, 2L })
        {
            await host.Writer.WriteAsync(Calls.Settle() with { Id = Guid.CreateVersion7(now) }, Cancellation);
            await host.Writer.WriteAsync(Calls.Settle() with { Id = Guid.CreateVersion7(now.AddDays(-2)) }, Cancellation);

            await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT ledger.total(calls) FROM ledger.usage_day_org") is long calls && calls == expected);
        }

        // The present day has not ended.
        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == 4);
        Assert.Equal(now.AddDays(-2).UtcDateTime.Date, await host.ScalarAsync("SELECT max(at) FROM ledger.usage_day_user"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }
}
