using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests.Prices;

public class PriceSyncTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Hour = new(2026, 3, 1, 10, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_new_model_counts_from_the_beginning_and_a_change_from_the_present_hour()
    {
        await using var host = await NewHostAsync();
        Assert.Null(await SyncAsync(host, -500));
        Assert.Equal(2, (await SyncAsync(host, 0, Model("m", input: 1m, output: 2m)))!.Value.Changes);
        Assert.Null(await SyncAsync(host, 1, Model("m", input: 1.0m, output: 2m)));
        Assert.Equal(3, (await SyncAsync(host, 2, Model("m", input: 1.5m, output: 2m), Model("late", input: 3m, output: 4m)))!.Value.Changes);
        // Twice within the hour: the last word counts.
        Assert.Equal(1, (await SyncAsync(host, 2, Model("m", input: 1.7m, output: 2m)))!.Value.Changes);
        Assert.Equal(1, (await SyncAsync(host, 3, Model("m", input: 1.7m, output: 2m, cached: 0.1m)))!.Value.Changes);
        Assert.Equal(1, (await SyncAsync(host, 4, Model("m", input: 1.7m, output: 2m)))!.Value.Changes);

        Assert.Equal(
            [
                new PricePeriod("openai", "late", PriceValidator.Earliest, null, true, 3m, 4m, null, null, null, null, null),
                new PricePeriod("openai", "m", PriceValidator.Earliest, Hour.AddHours(2), true, 1m, 2m, null, null, null, null, null),
                new PricePeriod("openai", "m", Hour.AddHours(2), Hour.AddHours(3), true, 1.7m, 2m, null, null, null, null, null),
                new PricePeriod("openai", "m", Hour.AddHours(3), Hour.AddHours(4), true, 1.7m, 2m, 0.1m, null, null, null, null),
                new PricePeriod("openai", "m", Hour.AddHours(4), null, true, 1.7m, 2m, null, null, null, null, null),
            ],
            (await host.Prices.ReadAsync(null, Cancellation))!.Periods);
    }

    [Fact]
    public async Task what_people_said_neither_hides_a_change_of_the_gateway_nor_is_hidden_by_it()
    {
        await using var host = await NewHostAsync();
        await host.Prices.SaveAsync(
            PriceSource.Manual, "ann", "contract", [new("openai", "m", "input", PriceValidator.Earliest, 0.5m)], null, acceptImplausible: true, Cancellation);

        await SyncAsync(host, 0, Model("m", input: 1m, output: 2m));

        var period = Assert.Single((await host.Prices.ReadAsync(null, Cancellation))!.Periods);
        Assert.Equal((0.5m, 2m), (period.Input, period.Output));
    }

    [Fact]
    public async Task several_at_once_make_one_revision()
    {
        await using var host = await NewHostAsync();

        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => SyncAsync(host, 0, Model("m", input: 1m, output: 2m))));

        Assert.Single(made, one => one is not null);
        Assert.Equal(1L, await host.ScalarAsync("SELECT count(*) FROM ledger.price_revision WHERE source = 'gateway' AND author = 'gateway'"));
    }

    [Fact]
    public async Task an_answer_that_comes_after_a_later_one_was_saved_does_not_bring_the_old_price_back()
    {
        await using var host = await NewHostAsync();
        await SyncAsync(host, 0, Model("m", input: 1m, output: 2m));

        Queue<decimal> answers = new([1m, 1.5m]);
        var synced = await At(host, 0).SyncAsync(
            async _ =>
            {
                var answer = answers.Dequeue();
                await SyncAsync(host, 0, Model("m", input: 1.5m, output: 2m));
                return [Model("m", input: answer, output: 2m)];
            },
            Cancellation);

        Assert.Null(synced);
        Assert.Equal(
            "1.0 1.5",
            await host.ScalarAsync("SELECT string_agg(round(usd_per_million, 1)::text, ' ' ORDER BY revision_id) FROM ledger.llm_price WHERE token_class = 'input'"));
    }

    private static Task<(long Revision, int Changes)?> SyncAsync(LedgerHost host, int hours, params GatewayModelPrices[] models) =>
        At(host, hours).SyncAsync(_ => Task.FromResult<IReadOnlyList<GatewayModelPrices>>(models), Cancellation);

    private static PriceSync At(LedgerHost host, int hours) => new(host.Source, new FixedTime(Hour.AddHours(hours).AddMinutes(17)));

    private static GatewayModelPrices Model(string name, decimal input, decimal output, decimal? cached = null)
    {
        Dictionary<string, decimal> prices = new() { ["input"] = input, ["output"] = output };
        if (cached is { } price)
        {
            prices.Add("cached_input", price);
        }

        return new GatewayModelPrices("openai", name, prices);
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
