using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests;

/// <summary>The roll-ups of days. That reports made of them are right is tested with the reports.</summary>
public class UsageDaysTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Monday = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_day_is_added_up_once_and_again_when_a_call_of_it_comes_late()
    {
        await using var host = await NewHostAsync();
        await IngestAsync(host, Monday.AddHours(3), Monday.AddHours(30));

        Assert.Equal(1, await host.Days.CompactAsync(Monday.AddDays(1), Cancellation));
        Assert.Equal(1, await host.Days.CompactAsync(Monday.AddDays(3), Cancellation));
        Assert.Equal(0, await host.Days.CompactAsync(Monday.AddDays(3), Cancellation));

        await IngestAsync(host, Monday.AddHours(4));
        Assert.Equal(1, await host.Days.CompactAsync(Monday.AddDays(3), Cancellation));
        Assert.Equal(3L, await host.ScalarAsync("SELECT ledger.total(calls) FROM ledger.usage_day_org"));
        Assert.Equal(3L, await host.ScalarAsync("SELECT ledger.total(calls) FROM ledger.usage_day_user"));
    }

    [Fact]
    public async Task a_price_that_starts_in_the_middle_of_a_day_splits_its_model_there_and_one_at_midnight_does_not()
    {
        await using var host = await NewHostAsync();
        await IngestAsync(host, Monday.AddHours(3), Monday.AddHours(9), Monday.AddHours(27));
        await host.Days.CompactAsync(Monday.AddDays(2), Cancellation);

        await SaveAsync(host, Monday.AddDays(1));
        Assert.Equal(0, await host.Days.CompactAsync(Monday.AddDays(2), Cancellation));
        await SaveAsync(host, Monday.AddHours(9));
        Assert.Equal(1, await host.Days.CompactAsync(Monday.AddDays(2), Cancellation));

        Assert.Equal(
            "2026-11-02 00:00 1, 2026-11-02 09:00 1, 2026-11-03 00:00 1",
            await host.ScalarAsync("SELECT string_agg(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' ' || calls, ', ' ORDER BY at) FROM ledger.usage_day_org"));
    }

    [Fact]
    public async Task reports_read_days_where_these_have_what_is_asked_for_and_hours_where_not()
    {
        await using var host = await NewHostAsync();
        await IngestAsync(host, Monday.AddHours(3), Monday.AddHours(30));
        await host.Days.CompactAsync(Monday.AddDays(1), Cancellation);
        await host.ScalarAsync("UPDATE ledger.usage_day_org SET calls = 100");

        Assert.Equal(101, await CallsAsync(ReportKey.Day));
        Assert.Equal(101, await CallsAsync(ReportKey.Model));
        Assert.Equal(101, await CallsAsync(ReportKey.Month));
        Assert.Equal(2, await CallsAsync(ReportKey.Hour));
        Assert.Equal(2, await CallsAsync(ReportKey.Operation));
        Assert.Equal(2, await CallsAsync(ReportKey.Day, "Europe/Berlin"));
        Assert.Equal(101, await CallsAsync(ReportKey.Model, "Europe/Berlin"));
        // A part of the day.
        Assert.Equal(2, await CallsAsync(ReportKey.Model, from: Monday.AddHours(1)));

        async Task<long> CallsAsync(ReportKey key, string zone = "UTC", DateTimeOffset? from = null) => (await host.Reports.SummariseAsync(
            new ReportQuery(from ?? Monday, Monday.AddDays(2), zone, new ReportFilter(), null), [key], Cancellation)).Totals.Calls;
    }

    [Theory]
    [InlineData("UPDATE ledger.usage_day_org SET estimated_reasoning_tokens = 1", "usage_day_org")]
    [InlineData("DELETE FROM ledger.usage_day_user", "usage_day_user")]
    public async Task a_difference_to_the_hours_is_found_and_mended(string damage, string table)
    {
        await using var host = await NewHostAsync();
        await IngestAsync(host, Monday.AddHours(3));
        await host.Days.CompactAsync(Monday.AddDays(1), Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));

        await host.ScalarAsync(damage);
        Assert.Equal([table], (await host.Sums.VerifyAsync(Cancellation)).Select(difference => difference.Table));

        await host.Sums.RebuildAsync(Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        Assert.Equal(1, await host.Days.CompactAsync(Monday.AddDays(1), Cancellation));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task days_are_added_up_while_their_calls_come_in_and_none_is_missed()
    {
        await using var host = await NewHostAsync();
        var coming = Task.WhenAll(Enumerable.Range(0, 3).Select(async worker =>
        {
            for (var round = 0; round < 30; round++)
            {
                await IngestAsync(host, Monday.AddHours((worker + round) % 48), Monday.AddHours((worker * round) % 48));
            }
        }));
        var adding = Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
        {
            while (!coming.IsCompleted)
            {
                await host.Days.CompactAsync(Monday.AddDays(2), Cancellation);
                Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
            }
        }));
        await coming;
        await adding;

        await host.Days.CompactAsync(Monday.AddDays(2), Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        Assert.Equal(180L, await host.ScalarAsync("SELECT ledger.total(calls) FROM ledger.usage_day_org"));
    }

    private static async Task IngestAsync(LedgerHost host, params DateTimeOffset[] times)
    {
        await host.PutAsync([.. times.Select(time => Call(time))]);
        await host.IngestAllAsync();
    }

    private static UsageEvent Call(DateTimeOffset time) => Events.Plain(Guid.CreateVersion7(time)) with { Provider = "openai", ServedModel = "gpt-a" };

    private static Task<long> SaveAsync(LedgerHost host, DateTimeOffset from)
    {
        var call = Call(from);
        return host.Prices.SaveAsync(
            PriceSource.Manual, "test", "test",
            [new(call.Provider!, call.ServedModel!, TokenClasses.Input, from, 1), new(call.Provider!, call.ServedModel!, TokenClasses.Output, from, 2)],
            null, acceptImplausible: false, Cancellation);
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
