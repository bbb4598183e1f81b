using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests.Prices;

public class PriceRegistryTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Hour = RandomUsage.Start;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task prices_are_read_as_of_any_revision_and_the_history_says_who_and_why()
    {
        await using var host = await NewHostAsync();
        var empty = (await host.Prices.ReadAsync(null, Cancellation))!;
        Assert.Equal((0L, 0, 0), (empty.Revision, empty.Entries.Count, empty.Periods.Count));

        var first = await SaveAsync(host, [Entry("input", 1m), Entry("output", 2m)], expected: 0);
        var second = await SaveAsync(host, [Entry("input", 3.50m, hours: 2), Entry("cached_input", 0.25m, hours: 2)], expected: first, reason: "dearer");

        Assert.Equal(
            [new PricePeriod("openai", "m", Hour, null, true, 1m, 2m, null, null, null, null, null)], (await host.Prices.ReadAsync(first, Cancellation))!.Periods);
        var newest = (await host.Prices.ReadAsync(null, Cancellation))!;
        Assert.Equal(second, newest.Revision);
        Assert.Equal(
            [
                new PricePeriod("openai", "m", Hour, Hour.AddHours(2), true, 1m, 2m, null, null, null, null, null),
                new PricePeriod("openai", "m", Hour.AddHours(2), null, true, 3.5m, 2m, 0.25m, null, null, null, null),
            ],
            newest.Periods);
        Assert.Equal([second, first, second, first], newest.Entries.Select(saved => saved.Revision));
        Assert.Null(await host.Prices.ReadAsync(second + 1, Cancellation));
        Assert.Null(await host.Prices.ReadAsync(-1, Cancellation));

        var history = await host.Prices.ReadHistoryAsync("openai", "m", Cancellation);
        Assert.Equal([(second, "ann", "dearer", 2), (first, "ann", "because", 2)], history.Select(one => (one.Id, one.Author, one.Reason, one.Entries.Count)));
        Assert.Empty(await host.Prices.ReadHistoryAsync("openai", "other", Cancellation));
    }

    [Fact]
    public async Task who_does_not_know_the_newest_revision_saves_nothing()
    {
        await using var host = await NewHostAsync();
        var first = await SaveAsync(host, [Entry("input", 1m), Entry("output", 2m)], expected: 0);

        var refused = await Assert.ThrowsAsync<PricesChangedException>(() => SaveAsync(host, [Entry("input", 5m)], expected: 0));

        Assert.Equal(first, refused.Revision);
        Assert.Equal(1L, await host.ScalarAsync("SELECT count(*) FROM ledger.price_revision"));
    }

    [Fact]
    public async Task of_several_who_save_at_once_one_is_taken()
    {
        await using var host = await NewHostAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(1, 8).Select(async price =>
        {
            try
            {
                return await SaveAsync(host, [Entry("input", price), Entry("output", price)], expected: 0);
            }
            catch (PricesChangedException)
            {
                return -1;
            }
        }));

        Assert.Single(outcomes, outcome => outcome > 0);
        Assert.Equal(1L, await host.ScalarAsync("SELECT count(*) FROM ledger.price_revision"));
    }

    [Fact]
    public async Task what_counts_already_makes_no_revision()
    {
        await using var host = await NewHostAsync();
        var first = await SaveAsync(host, [Entry("input", 1m), Entry("output", 2m)]);

        Assert.Equal(first, await SaveAsync(host, [Entry("output", 2.000m), Entry("input", 1m)]));
        Assert.NotEqual(first, await SaveAsync(host, [Entry("input", 1m), Entry("output", 2.1m)]));

        Assert.Equal(3L, await host.ScalarAsync("SELECT count(*) FROM ledger.llm_price"));
    }

    [Fact]
    public async Task what_is_hardly_meant_is_refused_until_it_is_meant()
    {
        await using var host = await NewHostAsync();
        await SaveAsync(host, [Entry("input", 1m), Entry("output", 2m)]);

        Assert.Equal(["implausibly_low"], await RefusedAsync(Entry("input", 0.000001m)));
        Assert.Equal(["cached_dearer"], await RefusedAsync(Entry("cached_input", 1.5m, hours: 5)));
        Assert.Equal(["incomplete"], await RefusedAsync(Entry("output", null, hours: 5)));
        Assert.Equal(["incomplete"], await RefusedAsync(Entry("input", 1m) with { Model = "new" }));
        // An earlier price that would be above: it is not about what this change starts with.
        Assert.True(await SaveAsync(host, [Entry("input", 0.000001m)], accept: true) > 0);
        // Nobody accepts what is wrong.
        var wrong = await Assert.ThrowsAsync<PricesRefusedException>(() => SaveAsync(host, [Entry("input", -1m)], accept: true));
        Assert.Equal("negative", Assert.Single(wrong.Problems).Code);

        async Task<string[]> RefusedAsync(PriceEntry entry) =>
            [.. (await Assert.ThrowsAsync<PricesRefusedException>(() => SaveAsync(host, [entry]))).Problems.Select(problem => problem.Code)];
    }

    [Fact]
    public async Task a_manual_price_goes_before_the_gateways_until_it_is_ended()
    {
        await using var host = await NewHostAsync();
        await host.Prices.SaveAsync(PriceSource.Gateway, "gateway", "sync", [Entry("input", 1m), Entry("output", 2m)], null, false, Cancellation);
        // The same as the gateway's, and yet said: it stays when the gateway's moves.
        await SaveAsync(host, [Entry("input", 1m, hours: 1), Entry("input", null, hours: 3)]);
        await host.Prices.SaveAsync(PriceSource.Gateway, "gateway", "sync", [Entry("input", 7m, hours: 2)], null, false, Cancellation);

        Assert.Equal([1m, 1m, 1m, 7m], (await host.Prices.ReadAsync(null, Cancellation))!.Periods.Select(period => period.Input));
    }

    [Fact]
    public async Task a_preview_says_by_month_what_saving_then_does()
    {
        await using var host = await NewHostAsync();
        await host.PutAsync([Call(0, "m", 1_000_000), Call(24, "m", 2_000_000), Call(48, "m", 4_000_000), Call(48, "other", 1_000_000), Call(48, "m", 0)]);
        await host.IngestAllAsync();
        var revision = await SaveAsync(host, [Entry("input", 1m), Entry("output", 0m), Entry("input", 1m, hours: 49)]);
        PriceEntry[] change = [Entry("input", 1.5m, hours: 24), Entry("input", 0m) with { Model = "other" }, Entry("output", 0m) with { Model = "other" }];

        var effects = await host.Preview.CompareAsync(change, revision, Cancellation);

        // The hour of the empty call is one of those that move.
        Assert.Equal(
            [
                new PriceEffect(new(2026, 2, 1), "openai", "m", 1, 2m, 3m, 0, 0, 1m),
                new PriceEffect(new(2026, 3, 1), "openai", "m", 2, 4m, 6m, 0, 0, 2m),
                new PriceEffect(new(2026, 3, 1), "openai", "other", 1, 0m, 0m, 1, 0, 0m),
            ],
            effects.Effects);
        Assert.Equal(revision, (await host.Prices.ReadAsync(null, Cancellation))!.Revision);
        Assert.Equal(7m, await CostAsync(revision));
        var saved = await SaveAsync(host, change);
        Assert.Equal(7m + effects.DifferenceUsd, await CostAsync(saved));
        var nothing = await host.Preview.CompareAsync(change, saved, Cancellation);
        Assert.Empty(nothing.Effects);
        Assert.Equal(0m, nothing.DifferenceUsd);

        async Task<decimal> CostAsync(long asOf) => (decimal)(await host.ScalarAsync($"SELECT sum(cost_usd) FROM ledger.rollup_cost_org({asOf})"))!;
    }

    [Fact]
    public async Task unpriced_usage_is_listed_with_its_calls()
    {
        await using var host = await NewHostAsync();
        await host.PutAsync([Call(0, "m", 10), Call(1, "unknown", 20), Call(3, "unknown", 30), Call(3, "unknown", 0), Call(9, "unknown", 7)]);
        await host.IngestAllAsync();
        var revision = await SaveAsync(host, [Entry("input", 1m), Entry("output", 2m)]);

        Assert.Equal(
            [new UnpricedUsage("openai", "unknown", "openai", "unknown", 2, 50, 0, Hour.AddHours(1), Hour.AddHours(3))],
            await host.Prices.ReadUnpricedAsync(revision, Hour, Hour.AddHours(9), Cancellation));
        Assert.Equal(2, (await host.Prices.ReadUnpricedAsync(0, Hour, Hour.AddHours(9), Cancellation)).Count);
    }

    private static UsageEvent Call(int hours, string model, long prompt) => Events.Plain(Guid.CreateVersion7(Hour.AddHours(hours).AddMinutes(59))) with
    {
        Provider = "openai",
        ServedModel = model,
        PromptTokens = prompt,
        CompletionTokens = 0,
    };

    private static PriceEntry Entry(string tokenClass, decimal? price, int hours = 0) => new("openai", "m", tokenClass, Hour.AddHours(hours), price);

    private static Task<long> SaveAsync(LedgerHost host, PriceEntry[] entries, long? expected = null, bool accept = false, string reason = "because") =>
        host.Prices.SaveAsync(PriceSource.Manual, "ann", reason, entries, expected, accept, Cancellation);

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
