using LlmAspire.TestPostgres;
using LlmAspire.UsageWorker.Retention;
using Microsoft.Extensions.Logging;

namespace LlmAspire.UsageWorker.Tests;

public class HourlyRollupWorkerTests(PostgresFixture postgres)
{
    private const string Rollups = "SELECT string_agg(to_char(hour, 'YYYY-MM-DD HH24') || ' ' || calls, ', ' ORDER BY hour) FROM ledger.usage_rollup_user";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task roll_ups_of_days_whose_rows_were_dropped_are_by_the_hour_for_400_days_and_then_by_the_day()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        var today = new DateTimeOffset(DateTimeOffset.UtcNow.UtcDateTime.Date, TimeSpan.Zero);
        DateTimeOffset[] days = [today.AddDays(-500), today.AddDays(-300)];
        await using (var before = await WorkerHost.StartAsync(connectionString))
        {
            // Of one person, so that hours of a day can become one sum.
            var call = Calls.Settle();
            foreach (var hour in days.SelectMany(day => new[] { day.AddHours(4), day.AddHours(9) }))
            {
                await before.Writer.WriteAsync(call with { Id = Guid.CreateVersion7(hour.AddMinutes(30)) }, Cancellation);
            }

            await WorkerHost.WaitAsync(async () => (await before.RowIdsAsync()).Length == 4);
            Assert.Equal($"{days[0]:yyyy-MM-dd} 04 1, {days[0]:yyyy-MM-dd} 09 1, {days[1]:yyyy-MM-dd} 04 1, {days[1]:yyyy-MM-dd} 09 1", await before.ScalarAsync(Rollups));
        }

        await using var host = await WorkerHost.StartAsync(connectionString, settings: [("Retention:Months", "1"), ("Retention:Interval", "00:00:00.05")]);
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT count(*) FROM ledger.usage_day WHERE hours_folded") is 1L);

        Assert.Equal($"{days[0]:yyyy-MM-dd} 00 2, {days[1]:yyyy-MM-dd} 04 1, {days[1]:yyyy-MM-dd} 09 1", await host.ScalarAsync(Rollups));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        await WorkerHost.WaitAsync(() => Task.FromResult(host.LogOf<HourlyRollupWorker>().Any(line => line.Level == LogLevel.Information)));
        Assert.StartsWith("The roll-ups of 1 days are by the day now", host.LogOf<HourlyRollupWorker>().Single().Text, StringComparison.Ordinal);
    }
}
