using System.Globalization;
using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests;

/// <summary>Roll-ups of hours that become roll-ups of days: every sum and every cost stays what it was, and what cannot be told any more is refused.</summary>
public class HourFoldingTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Monday = new(2026, 3, 2, 0, 0, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset AfterMonths = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Guid[] Orgs = [Guid.NewGuid(), Guid.NewGuid()];

    private static readonly Guid[] Users = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];

    private static readonly ReportKey[][] Groupings =
    [
        [], [ReportKey.Day], [ReportKey.Week], [ReportKey.Month], [ReportKey.Model], [ReportKey.Provider, ReportKey.ServedModel], [ReportKey.User], [ReportKey.Organisation],
        [ReportKey.Operation], [ReportKey.Outcome], [ReportKey.Day, ReportKey.Model, ReportKey.Organisation], [ReportKey.Day, ReportKey.User, ReportKey.Operation],
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task every_report_and_every_cost_stays_what_it_was(bool areDaysAddedUp)
    {
        await using var host = await NewHostAsync();
        if (areDaysAddedUp)
        {
            await host.Days.CompactAsync(AfterMonths, Cancellation);
        }

        await host.Sums.DropMonthsAsync(AfterMonths, Cancellation);
        var (reports, costs, hours) = (await ReportsAsync(host), await CostsAsync(host), await CountAsync(host));

        Assert.Equal(3, await FoldAsync(host));

        Assert.Equal(0, await FoldAsync(host));
        Assert.True(await CountAsync(host) < hours / 3, $"{hours} roll-ups became {await CountAsync(host)}.");
        Assert.Equal(reports, await ReportsAsync(host));
        Assert.Equal(costs, await CostsAsync(host));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        await host.Sums.RebuildAsync(Cancellation);
        await host.Days.CompactAsync(AfterMonths, Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        Assert.Equal(reports, await ReportsAsync(host));
        Assert.Equal(costs, await CostsAsync(host));
    }

    [Fact]
    public async Task hours_stay_while_their_rows_are_there_or_they_are_young()
    {
        await using var host = await NewHostAsync();
        Assert.Equal(0, await FoldAsync(host));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));

        await host.Sums.DropMonthsAsync(AfterMonths, Cancellation);
        Assert.Equal(1, await new HourFolding(host.Source).FoldAsync(Monday.AddDays(1), Cancellation));
        Assert.Equal("2026-03-02", await host.ScalarAsync("SELECT string_agg(day::text, ' ') FROM ledger.usage_day WHERE hours_folded"));
    }

    [Fact]
    public async Task a_call_that_comes_late_is_added_to_its_day()
    {
        await using var host = await NewHostAsync();
        await host.Days.CompactAsync(AfterMonths, Cancellation);
        await host.Sums.DropMonthsAsync(AfterMonths, Cancellation);
        await FoldAsync(host);
        var before = await TotalsAsync(host);

        await host.PutAsync([Call(Monday.AddHours(13).AddMinutes(5), 2)]);
        await host.IngestAllAsync();

        var late = await TotalsAsync(host);
        Assert.Equal(before.Calls + 1, late.Calls);
        Assert.True(late.CostUsd > before.CostUsd);
        Assert.Equal(1, await host.Days.CompactAsync(AfterMonths, Cancellation));
        Assert.Equal((late.Calls, late.CostUsd), await TotalsAsync(host));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task hours_of_such_days_are_refused_and_later_ones_are_told()
    {
        await using var host = await NewHostAsync();
        await host.Sums.DropMonthsAsync(AfterMonths, Cancellation);
        await FoldAsync(host);
        var later = new DateTimeOffset(2026, 6, 3, 0, 0, 0, TimeSpan.Zero);

        foreach (var (from, to, zone, key) in new[]
        {
            (Monday, Monday.AddDays(5), "UTC", ReportKey.Hour),
            (Monday.AddDays(2), later, "UTC", ReportKey.Hour),
            (Monday, Monday.AddDays(5), "Europe/Berlin", ReportKey.Day),
            (Monday, Monday.AddDays(5), "America/New_York", ReportKey.Month),
            (Monday.AddHours(1), Monday.AddDays(5), "UTC", ReportKey.Model),
            (Monday.AddDays(-1), Monday.AddDays(2).AddHours(1), "UTC", ReportKey.Model),
        })
        {
            var refused = await Assert.ThrowsAsync<HoursFoldedException>(() => ReportAsync(from, to, zone, key));
            Assert.Equal(to.UtcDateTime.TimeOfDay == TimeSpan.Zero && from == Monday.AddHours(1) ? new DateOnly(2026, 3, 2) : new DateOnly(2026, 3, 4), refused.Last);
        }

        Assert.Equal(1, (await ReportAsync(Monday.AddDays(3), later, "UTC", ReportKey.Hour)).Totals.Calls);
        Assert.Equal(1, (await ReportAsync(Monday.AddDays(3).AddHours(-1), later, "Europe/Berlin", ReportKey.Model, cut: Monday.AddDays(3))).Totals.Calls);
        Assert.Equal(1, (await ReportAsync(Monday.AddDays(4).AddHours(-1), later, "Europe/Berlin", ReportKey.Day)).Totals.Calls);
        // The end of the month is within a day that was not folded.
        Assert.True((await ReportAsync(Monday, later.AddHours(-22), "Europe/Berlin", ReportKey.Model)).Totals.Calls > 100);

        Task<UsageSummary> ReportAsync(DateTimeOffset from, DateTimeOffset to, string zone, ReportKey key, DateTimeOffset? cut = null) =>
            host.Reports.SummariseAsync(new ReportQuery(cut ?? from, to, zone, new ReportFilter(), null), [key], Cancellation);
    }

    [Fact]
    public async Task a_price_that_starts_in_the_middle_of_such_a_day_is_refused_and_one_at_midnight_is_not()
    {
        await using var host = await NewHostAsync();
        await host.Sums.DropMonthsAsync(AfterMonths, Cancellation);
        await FoldAsync(host);

        var refused = await Assert.ThrowsAsync<PricesRefusedException>(() => SaveAsync(host, ("gpt-1", Monday.AddDays(1), 3), ("gpt-1", Monday.AddHours(7), 4)));
        Assert.Equal([(2, "hours_folded", false), (3, "hours_folded", false)], refused.Problems.Select(problem => (problem.Index, problem.Code, problem.CanBeAccepted)));

        // Nor is one that starts where another one of the model does: there is a sum before and one after.
        foreach (var prices in new (string Model, DateTimeOffset From, decimal Price)[][]
        {
            [("gpt-1", Monday.AddDays(1), 3), ("gpt-1", Monday.AddDays(3).AddHours(7), 4)],
            [("gpt-0", Monday.AddHours(11), 4)],
        })
        {
            var before = await TotalsAsync(host);
            await SaveAsync(host, prices);
            Assert.True((await TotalsAsync(host)).CostUsd > before.CostUsd);
            Assert.Equal(await RollupCostAsync(host), (await TotalsAsync(host)).CostUsd);
        }
    }

    [Fact]
    public async Task a_day_that_somebody_writes_to_is_left_for_the_next_time()
    {
        await using var host = await NewHostAsync();
        await host.Sums.DropMonthsAsync(AfterMonths, Cancellation);
        await using var writer = await host.Source.OpenConnectionAsync(Cancellation);
        await using var transaction = await writer.BeginTransactionAsync(Cancellation);
        await using (var touch = new NpgsqlCommand("UPDATE ledger.usage_day SET version = version + 1 WHERE day = '2026-03-03'", writer))
        {
            await touch.ExecuteNonQueryAsync(Cancellation);
        }

        Assert.Equal(2, await FoldAsync(host));
        await transaction.CommitAsync(Cancellation);
        Assert.Equal(1, await FoldAsync(host));
    }

    [Fact]
    public async Task a_sum_that_is_being_written_meanwhile_is_added_to_that_of_the_day()
    {
        await using var host = await NewHostAsync();
        await host.Sums.DropMonthsAsync(AfterMonths, Cancellation);
        var calls = (long)(await host.ScalarAsync("SELECT sum(calls)::bigint FROM ledger.usage_rollup_org"))!;
        await using var writer = await host.Source.OpenConnectionAsync(Cancellation);
        await using var transaction = await writer.BeginTransactionAsync(Cancellation);
        // The first hour has no sum of these keys yet, and the day will have one there.
        await using var write = new NpgsqlCommand(
            """
            INSERT INTO ledger.usage_rollup_org
            SELECT (jsonb_populate_record(rollup, '{"hour": "2026-03-02T00:00:00Z", "calls": 1000}')).* FROM ledger.usage_rollup_org AS rollup
            WHERE hour = '2026-03-02 09:00+00' AND NOT EXISTS (
                SELECT FROM ledger.usage_rollup_org AS first WHERE first.hour = '2026-03-02 00:00+00'
                    AND (first.org_id, first.operation, first.model_alias, first.provider, first.served_model, first.source, first.outcome)
                        = (rollup.org_id, rollup.operation, rollup.model_alias, rollup.provider, rollup.served_model, rollup.source, rollup.outcome))
            LIMIT 1
            """,
            writer);
        Assert.Equal(1, await write.ExecuteNonQueryAsync(Cancellation));

        var folding = FoldAsync(host);
        await host.WaitUntilAWriterWaitsAsync();
        await transaction.CommitAsync(Cancellation);

        Assert.Equal(3, await folding);
        Assert.Equal(calls + 1000, await host.ScalarAsync("SELECT sum(calls)::bigint FROM ledger.usage_rollup_org"));
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.usage_rollup_org WHERE hour > '2026-03-02 00:00+00' AND hour < '2026-03-02 11:00+00'"));
    }

    [Fact]
    public async Task days_are_folded_by_several_while_late_calls_come_and_none_is_missed()
    {
        await using var host = await NewHostAsync();
        await host.Days.CompactAsync(AfterMonths, Cancellation);
        await host.Sums.DropMonthsAsync(AfterMonths, Cancellation);
        var calls = (await TotalsAsync(host)).Calls;
        var coming = Task.WhenAll(Enumerable.Range(0, 3).Select(async worker =>
        {
            for (var round = 0; round < 20; round++)
            {
                await host.PutAsync([Call(Monday.AddHours((7 * round + worker) % 72), worker), Call(Monday.AddHours((5 * round + worker) % 72), round)]);
                await host.IngestAllAsync();
            }
        }));
        var folding = Enumerable.Range(0, 2).Select(async _ =>
        {
            var folded = 0;
            do
            {
                folded += await FoldAsync(host);
                await host.Days.CompactAsync(AfterMonths, Cancellation);
            }
            while (!coming.IsCompleted);

            return folded;
        }).ToArray();
        await coming;

        Assert.Equal(3, (await Task.WhenAll(folding)).Sum() + await FoldAsync(host));
        await host.Days.CompactAsync(AfterMonths, Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        var totals = await TotalsAsync(host);
        Assert.Equal(calls + 120, totals.Calls);
        Assert.Equal(totals.CostUsd, await RollupCostAsync(host));
    }

    /// <summary>
    /// Three days of calls at all hours, of several people and models, with prices that start in the middle of two of them, or of the alias where the model is not known, or without a
    /// price; and one call of later.
    /// </summary>
    private async Task<LedgerHost> NewHostAsync()
    {
        var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var begin = Monday.AddMonths(-2);
        await SaveAsync(host, ("gpt-0", begin, 1.25m), ("gpt-0", Monday.AddHours(11), 3), ("gpt-0", Monday.AddHours(35), 7), ("alias-0", begin, 5), ("alias-0", Monday.AddHours(17), 0.37m));
        await host.PutAsync([.. Enumerable.Range(0, 72 * 6).Select(number => Call(Monday.AddMinutes(10 * number), number)), Call(AfterMonths.AddDays(32), 1)]);
        await host.IngestAllAsync();
        return host;
    }

    private static UsageEvent Call(DateTimeOffset time, int number) => Events.Plain(Guid.CreateVersion7(time)) with
    {
        OrgId = Orgs[number % 2],
        UserId = Users[number % 3],
        ModelAlias = $"alias-{number % 2}",
        Provider = "openai",
        ServedModel = number % 5 == 0 ? null : $"gpt-{number % 2}",
        Operation = number % 4 == 0 ? UsageOperation.Tool : UsageOperation.Chat,
        Source = number % 7 == 0 ? UsageSource.Estimated : number % 11 == 0 ? UsageSource.Partial : UsageSource.Provider,
        Outcome = number % 13 == 0 ? UsageOutcome.Failed : UsageOutcome.Completed,
        PromptTokens = number % 17 == 0 ? 0 : 100 + number,
        CompletionTokens = number % 17 == 0 ? 0 : 30 + (number * 3),
        CachedPromptTokens = number % 17 == 0 ? 0 : number % 50,
    };

    /// <summary>Prices of input; output costs twice as much.</summary>
    private static Task<long> SaveAsync(LedgerHost host, params (string Model, DateTimeOffset From, decimal Price)[] prices) => host.Prices.SaveAsync(
        PriceSource.Manual, "test", "test",
        [
            .. prices.SelectMany(price => (PriceEntry[])
            [
                new("openai", price.Model, TokenClasses.Input, price.From, price.Price), new("openai", price.Model, TokenClasses.Output, price.From, 2 * price.Price),
            ]),
        ],
        null, acceptImplausible: true, Cancellation);

    private static Task<int> FoldAsync(LedgerHost host) => new HourFolding(host.Source).FoldAsync(AfterMonths, Cancellation);

    private static async Task<long> CountAsync(LedgerHost host) => (long)(await host.ScalarAsync(
        "SELECT (SELECT count(*) FROM ledger.usage_rollup_org) + (SELECT count(*) FROM ledger.usage_rollup_user)"))!;

    private static ReportQuery All() => new(Monday.AddDays(-1), Monday.AddDays(9), "UTC", new ReportFilter(), null);

    private static async Task<(long Calls, decimal? CostUsd)> TotalsAsync(LedgerHost host)
    {
        var totals = (await host.Reports.SummariseAsync(All(), [], Cancellation)).Totals;
        return (totals.Calls, totals.CostUsd);
    }

    private static async Task<decimal> RollupCostAsync(LedgerHost host) => (decimal)(await host.ScalarAsync(
        $"SELECT sum(cost_usd) FROM ledger.rollup_cost_user(NULL) WHERE hour < '{AfterMonths.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)}'"))!;

    /// <summary>Every grouping, every group, every figure; and those of one person, and of one kind of calls.</summary>
    private static async Task<List<string>> ReportsAsync(LedgerHost host)
    {
        List<string> lines = [];
        foreach (var filter in new[] { new ReportFilter(), new ReportFilter { UserId = Users[1] }, new ReportFilter { Outcomes = [UsageOutcome.Failed], Sources = [UsageSource.Estimated] } })
        {
            foreach (var groupBy in Groupings)
            {
                var summary = await host.Reports.SummariseAsync(All() with { Filter = filter }, groupBy, Cancellation);
                lines.AddRange(summary.Groups.Select(group => string.Join(' ', [.. groupBy, .. group.Keys, group.Sums])));
                lines.Add($"{summary.Totals}");
            }
        }

        return lines;
    }

    /// <summary>What the database works out by itself, by day.</summary>
    private static async Task<string?> CostsAsync(LedgerHost host) => (string?)await host.ScalarAsync("""
        SELECT string_agg(concat_ws(' ', day, org_id, provider, served_model, model_alias, operation, cost, unpriced), E'\n' ORDER BY day, org_id, provider, served_model, model_alias, operation)
        FROM (
            SELECT hour::date AS day, org_id, provider, served_model, model_alias, operation, coalesce(sum(cost_usd), 0) AS cost, sum(unpriced_calls) AS unpriced
            FROM ledger.rollup_cost_org(NULL) GROUP BY 1, 2, 3, 4, 5, 6
        ) AS costs
        """);
}
