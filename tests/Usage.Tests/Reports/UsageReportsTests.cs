using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests.Reports;

/// <summary>Sums with their cost, against a calculation of the tests' own.</summary>
public class UsageReportsTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => [1, 2, 3, Random.Shared.Next()];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task roll_ups_rows_and_an_independent_calculation_agree_however_they_are_grouped(int seed)
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed);
        // Some days have sums of their own, or none has.
        await host.Days.CompactAsync(ReportedUsage.Query().From.AddHours(1).AddDays(usage.Any([0, 1, 2, 4])), Cancellation);
        foreach (var keys in Groupings(usage))
        {
            var zone = usage.Any(["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Chatham", "America/St_Johns"]);
            var query = ReportedUsage.Query(zone);
            var report = await host.Reports.SummariseAsync(query, keys, Cancellation);
            var part = query with { From = query.From.AddMinutes(61), To = query.To.AddHours(-30) };
            var reportOfPart = await host.Reports.SummariseAsync(part, keys, Cancellation);

            Assert.Equal(zone is "UTC" or "Europe/Berlin", report.IsFromRollups);
            Assert.False(reportOfPart.IsFromRollups);
            AreEqual(usage.Sums(query, keys), report);
            AreEqual(usage.Sums(part, keys), reportOfPart);
            // Pinned, it is made of rows.
            var pinned = await host.Reports.SummariseAsync(query with { AsOf = report.AsOf }, keys, Cancellation);
            Assert.False(pinned.IsFromRollups);
            AreEqual(usage.Sums(query, keys), pinned);
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task at_a_pin_a_report_is_the_same_for_ever(int seed)
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed, calls: 100);
        var query = ReportedUsage.Query("Europe/Berlin");
        IReadOnlyList<ReportKey> keys = [ReportKey.Day, ReportKey.ServedModel];
        var first = await host.Reports.SummariseAsync(query, keys, Cancellation);

        // Late rows and other prices of the same days.
        await usage.AddCallsAsync(host, 50);
        await usage.ChangePricesAsync(host);
        var now = await host.Reports.SummariseAsync(query, keys, Cancellation);
        var again = await host.Reports.SummariseAsync(query with { AsOf = first.AsOf }, keys, Cancellation);

        Assert.NotEqual(first.Totals, now.Totals);
        Assert.Equal(first.Totals, again.Totals);
        Assert.Equal(Flat(first), Flat(again));
        AreEqual(usage.Sums(query, keys), now);
    }

    [Theory]
    [InlineData("Europe/Berlin", "2026-03-29T00:00:00Z")]
    [InlineData("Europe/Berlin", "2026-10-25T00:00:00Z")]
    [InlineData("America/New_York", "2026-11-01T05:00:00Z")]
    [InlineData("Asia/Kolkata", "2026-03-01T00:00:00Z")]
    [InlineData("Pacific/Chatham", "2026-04-04T13:00:00Z")]
    public async Task hours_and_days_are_those_of_the_zone_when_the_clocks_change_too(string zone, string time)
    {
        await using var host = await NewHostAsync();
        var change = DateTimeOffset.Parse(time, null);
        List<UsageEvent> calls = [.. Enumerable.Range(-60, 120).Select(step => Events.Plain(Guid.CreateVersion7(change.AddMinutes(step * 30 + 7))))];
        await host.PutAsync(calls);
        await host.IngestAllAsync();
        var query = new ReportQuery(change.AddDays(-2), change.AddDays(2), zone, new ReportFilter(), null);
        var local = calls.Select(call => TimeZoneInfo.ConvertTime(call.CreatedAt, TimeZoneInfo.FindSystemTimeZoneById(zone))).ToList();

        var hours = await host.Reports.SummariseAsync(query, [ReportKey.Hour], Cancellation);
        var days = await host.Reports.SummariseAsync(query, [ReportKey.Day], Cancellation);

        Assert.Equal(
            local.GroupBy(one => $"{one:yyyy-MM-dd'T'HH}:00:00{one:zzz}").Select(group => (group.Key, group.LongCount())),
            hours.Groups.Select(group => (group.Keys[0]!, group.Sums.Calls)));
        Assert.Equal(
            local.GroupBy(one => $"{one:yyyy-MM-dd}").Select(group => (group.Key, group.LongCount())), days.Groups.Select(group => (group.Keys[0]!, group.Sums.Calls)));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task days_that_were_added_up_follow_late_calls_and_new_prices(int seed)
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed);
        var query = ReportedUsage.Query();
        // All but that by user are of everybody: the first of them remembers the days that were added up, the others have them from there.
        IReadOnlyList<ReportKey>[] groupings =
        [
            [ReportKey.Day, ReportKey.Model, ReportKey.Organisation], [ReportKey.ServedModel], [ReportKey.Week, ReportKey.Provider], [ReportKey.Month],
            [ReportKey.User, ReportKey.Day],
        ];
        for (var change = 0; change < 3; change++)
        {
            await usage.AddCallsAsync(host, 20);
            await AreEqualAsync();
            await usage.ChangePricesAsync(host);
            await AreEqualAsync();
            await host.Days.CompactAsync(query.To, Cancellation);
            await AreEqualAsync();
            // Days that only prices change.
            await usage.ChangePricesAsync(host);
            await host.Days.CompactAsync(query.To, Cancellation);
            await AreEqualAsync();
            // And only calls.
            await usage.AddCallsAsync(host, 20);
            await host.Days.CompactAsync(query.To, Cancellation);
            await AreEqualAsync();
        }

        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));

        async Task AreEqualAsync()
        {
            foreach (var keys in groupings)
            {
                AreEqual(usage.Sums(query, keys), await host.Reports.SummariseAsync(query, keys, Cancellation));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task filters_leave_out_what_they_say(int seed)
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed);
        await host.Days.CompactAsync(ReportedUsage.Query().To, Cancellation);
        var one = usage.Any(usage.Calls);
        var filters = new (ReportFilter Filter, Func<UsageEvent, bool> Has)[]
        {
            (new() { OrgId = one.OrgId }, call => call.OrgId == one.OrgId),
            (new() { UserId = one.UserId, OrgId = one.OrgId }, call => call.UserId == one.UserId && call.OrgId == one.OrgId),
            (new() { Users = [one.UserId] }, call => call.UserId == one.UserId),
            (new() { Orgs = [one.OrgId, Guid.NewGuid()] }, call => call.OrgId == one.OrgId),
            (new() { Models = ["small", "nobody's"], Outcomes = [UsageOutcome.Completed] }, call => call is { ModelAlias: "small", Outcome: UsageOutcome.Completed }),
            (new() { Providers = ["openai"], ServedModels = ["gpt-a"] }, call => call is { Provider: "openai", ServedModel: "gpt-a" }),
            (new() { Operations = [UsageOperation.Title], Sources = [UsageSource.Estimated, UsageSource.Partial] },
                call => call is { Operation: UsageOperation.Title, Source: UsageSource.Estimated or UsageSource.Partial }),
        };
        foreach (var (filter, has) in filters)
        {
            foreach (var query in new[] { ReportedUsage.Query() with { Filter = filter }, ReportedUsage.Query("Asia/Kolkata") with { Filter = filter } })
            {
                foreach (var key in new[] { ReportKey.Outcome, ReportKey.Model })
                {
                    var report = await host.Reports.SummariseAsync(query, [key], Cancellation);

                    Assert.Equal(usage.Calls.Count(has), report.Totals.Calls);
                    Assert.Equal(usage.Calls.Where(has).Sum(call => usage.CostOf(call) ?? 0), report.Totals.CostUsd);
                }
            }
        }
    }

    [Fact]
    public async Task nothing_is_a_report_too_and_a_pin_of_the_future_is_none()
    {
        await using var host = await NewHostAsync();

        var report = await host.Reports.SummariseAsync(ReportedUsage.Query(), [], Cancellation);

        Assert.Equal((ReportSums.None, 0), (report.Totals, report.Groups.Count));
        foreach (var pin in new[] { report.AsOf with { PriceRevision = 1 }, report.AsOf with { RecordedAt = report.AsOf.RecordedAt.AddHours(1) } })
        {
            await Assert.ThrowsAsync<PinUnknownException>(() => host.Reports.SummariseAsync(ReportedUsage.Query() with { AsOf = pin }, [], Cancellation));
        }
    }

    [Fact]
    public async Task latencies_are_those_of_completed_calls()
    {
        await using var host = await NewHostAsync();
        var usage = await ReportedUsage.IngestAsync(host, seed: 5);

        var latencies = await host.Latencies.MeasureAsync(ReportedUsage.Query(), ReportKey.Model, Cancellation);

        Assert.NotEmpty(latencies);
        foreach (var latency in latencies)
        {
            var calls = usage.Calls.Where(call => call.ModelAlias == latency.Key && call.Outcome == UsageOutcome.Completed).ToList();
            Assert.Equal(calls.Count, latency.Calls);
            Assert.Equal(Percentile(calls.Select(call => (double)call.DurationMs), 0.5), latency.DurationP50Ms!.Value, 6);
            Assert.Equal(Percentile(calls.Select(call => (double)call.DurationMs), 0.95), latency.DurationP95Ms!.Value, 6);
            Assert.Equal(Percentile(calls.Where(call => call.TtftMs is not null).Select(call => (double)call.TtftMs!), 0.95), latency.TtftP95Ms!.Value, 6);
        }
    }

    private static IEnumerable<ReportKey[]> Groupings(ReportedUsage usage)
    {
        yield return [];
        var all = Enum.GetValues<ReportKey>();
        foreach (var key in all)
        {
            yield return [key];
            yield return [key, usage.Any([.. all.Where(other => other != key && (other > ReportKey.Month || key > ReportKey.Month))])];
        }

        yield return [ReportKey.Day, ReportKey.Model, ReportKey.Organisation];
    }

    private static void AreEqual(Dictionary<string, ReportSums> expected, UsageSummary actual)
    {
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), Flat(actual).Select(group => group.Key).Order(StringComparer.Ordinal));
        Assert.All(Flat(actual), group => Assert.Equal(expected[group.Key], group.Sums));
        Assert.Equal(expected.Values.Aggregate(ReportSums.None, (sum, one) => sum + one), actual.Totals);
    }

    private static List<(string Key, ReportSums Sums)> Flat(UsageSummary summary) =>
        [.. summary.Groups.Select(group => (string.Join('|', group.Keys.Select(key => key ?? "")), group.Sums))];

    private static double Percentile(IEnumerable<double> values, double part)
    {
        var sorted = values.Order().ToList();
        var place = part * (sorted.Count - 1);
        var below = (int)place;
        return below + 1 < sorted.Count ? sorted[below] + ((sorted[below + 1] - sorted[below]) * (place - below)) : sorted[below];
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
