using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests.Reports;

/// <summary>Days that reports remember. That they add up rightly is tested with the reports.</summary>
public class DayMemoryTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Monday = new(2026, 11, 2, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Conditions => [.. typeof(ReportFilter).GetProperties().Where(property => property.CanWrite).Select(property => property.Name)];

    [Fact]
    public async Task days_of_everybody_are_read_once_and_of_others_each_time()
    {
        await using var host = await NewHostAsync();
        var call = await IngestAsync(host, Monday.AddHours(3));
        await IngestAsync(host, Monday.AddHours(27));
        await host.Days.CompactAsync(Monday.AddDays(1), Cancellation);
        Assert.Equal(2, await CallsAsync(host, ReportKey.Day));
        await host.Days.CompactAsync(Monday.AddDays(2), Cancellation);
        await host.ScalarAsync("UPDATE ledger.usage_day_org SET calls = 100");

        // The second day is not yet remembered.
        Assert.Equal(101, await CallsAsync(host, ReportKey.Day));
        await host.ScalarAsync("UPDATE ledger.usage_day_org SET calls = 1000");
        foreach (var key in new[] { ReportKey.Day, ReportKey.Week, ReportKey.Month, ReportKey.Model, ReportKey.Provider, ReportKey.ServedModel, ReportKey.Organisation })
        {
            Assert.Equal(101, await CallsAsync(host, key));
        }

        Assert.Equal(2, await CallsAsync(host, ReportKey.Hour));
        Assert.Equal(2, await CallsAsync(host, ReportKey.User));
        Assert.Equal(2000, await CallsAsync(host, ReportKey.Day, new ReportFilter { Models = [call.ModelAlias] }));
        Assert.Equal(1000, await CallsAsync(host, ReportKey.Day, new ReportFilter { OrgId = call.OrgId }));
    }

    [Fact]
    public async Task a_late_call_is_seen_at_once()
    {
        await using var host = await NewHostAsync();
        for (var calls = 1; calls < 4; calls++)
        {
            await IngestAsync(host, Monday.AddHours(calls));
            Assert.Equal(calls, await CallsAsync(host, ReportKey.Model));
            await host.Days.CompactAsync(Monday.AddDays(2), Cancellation);
            Assert.Equal(calls, await CallsAsync(host, ReportKey.Model));
        }
    }

    [Fact]
    public async Task a_price_from_the_middle_of_a_day_is_seen_at_once()
    {
        await using var host = await NewHostAsync();
        var call = await IngestAsync(host, Monday.AddHours(3));
        await IngestAsync(host, Monday.AddHours(9));
        await SaveAsync(host, call, Monday.AddDays(-1), 1);
        await host.Days.CompactAsync(Monday.AddDays(2), Cancellation);
        var single = (call.PromptTokens + call.CompletionTokens) / 1_000_000m;
        Assert.Equal(2 * single, await CostAsync());

        await SaveAsync(host, call, Monday.AddHours(9), 5);
        Assert.Equal(6 * single, await CostAsync());
        Assert.Equal(1, await host.Days.CompactAsync(Monday.AddDays(2), Cancellation));
        Assert.Equal(6 * single, await CostAsync());

        // It needs no other split: the day stays as it was, and so does what is remembered.
        await SaveAsync(host, call, Monday, 2);
        Assert.Equal(0, await host.Days.CompactAsync(Monday.AddDays(2), Cancellation));
        Assert.Equal(7 * single, await CostAsync());

        async Task<decimal> CostAsync() => (await SummariseAsync(host, ReportKey.Day)).Totals.CostUsd;
    }

    [Fact]
    public async Task it_is_never_old_for_anybody_while_days_change()
    {
        await using var host = await NewHostAsync();
        var changing = ChangeAsync();
        await Task.WhenAll(changing, Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            var last = 0L;
            while (!changing.IsCompleted)
            {
                var calls = await CallsAsync(host, ReportKey.Day);
                Assert.InRange(calls, last, 20);
                last = calls;
            }
        })));

        Assert.Equal(20, await CallsAsync(host, ReportKey.Day));

        async Task ChangeAsync()
        {
            for (var calls = 0; calls < 20; calls++)
            {
                await IngestAsync(host, Monday.AddHours(calls * 7 % 48));
                await host.Days.CompactAsync(Monday.AddDays(2), Cancellation);
            }
        }
    }

    [Fact]
    public async Task a_report_is_of_no_more_groups_than_without_it_and_more_rows_than_fit_are_left_to_postgres()
    {
        await using var host = await NewHostAsync();
        await IngestAsync(host, Monday.AddHours(3));
        await IngestAsync(host, Monday.AddHours(27));
        await host.Days.CompactAsync(Monday.AddDays(1), Cancellation);
        await AddOrganisationsAsync(UsageReports.MostGroups - 1);
        for (var time = 0; time < 2; time++)
        {
            Assert.Equal(UsageReports.MostGroups, (await SummariseAsync(host, ReportKey.Organisation, days: 1)).Groups.Count);
            await SetCallsAsync(2);
        }

        // With the groups of the day that follows it is too large.
        Assert.Equal(UsageReports.MostGroups + 1, await CallsAsync(host, ReportKey.Model));
        await IngestAsync(host, Monday.AddHours(28), Guid.NewGuid());
        await Assert.ThrowsAsync<ReportTooLargeException>(() => SummariseAsync(host, ReportKey.Organisation));

        await AddOrganisationsAsync(1);
        await host.ScalarAsync("UPDATE ledger.usage_day SET version = version + 1, compacted_version = version + 1 WHERE compacted_version = version");
        await Assert.ThrowsAsync<ReportTooLargeException>(() => SummariseAsync(host, ReportKey.Organisation, days: 1));
        foreach (var calls in new[] { 1, 2 })
        {
            await SetCallsAsync(calls);
            Assert.Equal((DayMemory.MostRows + 1) * calls, (await SummariseAsync(host, ReportKey.Model, days: 1)).Totals.Calls);
        }

        Task<object?> SetCallsAsync(int calls) => host.ScalarAsync($"UPDATE ledger.usage_day_org SET calls = {calls}");

        Task<object?> AddOrganisationsAsync(int count) => host.ScalarAsync(
            $"""
            INSERT INTO ledger.usage_day_org ({DayRow.Columns})
            SELECT at, gen_random_uuid(), model_alias, provider, served_model, {DaySql.Values}
            FROM (SELECT * FROM ledger.usage_day_org LIMIT 1) AS one, generate_series(1, {count})
            """);
    }

    [Theory]
    [MemberData(nameof(Conditions))]
    public void a_filter_of_any_condition_is_not_of_everything(string condition)
    {
        Assert.True(new ReportFilter().IsOfEverything);
        var property = typeof(ReportFilter).GetProperty(condition)!;
        var filter = new ReportFilter();
        property.SetValue(filter, Nullable.GetUnderlyingType(property.PropertyType) is { } value
            ? Activator.CreateInstance(value)
            : Array.CreateInstance(property.PropertyType.GetGenericArguments()[0], 1));

        Assert.False(filter.IsOfEverything);
    }

    private static async Task<long> CallsAsync(LedgerHost host, ReportKey key, ReportFilter? filter = null) => (await SummariseAsync(host, key, filter)).Totals.Calls;

    private static Task<UsageSummary> SummariseAsync(LedgerHost host, ReportKey key, ReportFilter? filter = null, int days = 2) =>
        host.Reports.SummariseAsync(new ReportQuery(Monday, Monday.AddDays(days), "UTC", filter ?? new ReportFilter(), null), [key], Cancellation);

    private static async Task<UsageEvent> IngestAsync(LedgerHost host, DateTimeOffset time, Guid? org = null)
    {
        var call = Events.Plain(Guid.CreateVersion7(time)) with { Provider = "openai", ServedModel = "gpt-a" };
        await host.PutAsync([call with { OrgId = org ?? call.OrgId }]);
        await host.IngestAllAsync();
        return call;
    }

    private static Task<long> SaveAsync(LedgerHost host, UsageEvent call, DateTimeOffset from, decimal usd) => host.Prices.SaveAsync(
        PriceSource.Manual, "test", "test",
        [new(call.Provider!, call.ServedModel!, TokenClasses.Input, from, usd), new(call.Provider!, call.ServedModel!, TokenClasses.Output, from, usd)],
        null, acceptImplausible: true, Cancellation);

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
