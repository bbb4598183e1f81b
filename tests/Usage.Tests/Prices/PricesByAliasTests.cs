using System.Text;
using System.Text.Json;
using LlmAspire.TestPostgres;
using LlmAspire.Usage.Tests.Reports;

namespace LlmAspire.Usage.Tests.Prices;

/// <summary>Calls of which the gateway did not tell who served: they are priced by their alias, everywhere in the same way.</summary>
public class PricesByAliasTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Hour = RandomUsage.Start.AddHours(12);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, null, "unknown", "my-alias")]
    [InlineData("", "", "unknown", "my-alias")]
    [InlineData(null, "gpt", "unknown", "gpt")]
    [InlineData("openai", null, "openai", "my-alias")]
    [InlineData("openai", "gpt", "openai", "gpt")]
    public async Task what_the_unpriced_list_names_can_be_priced_and_costs_the_same_in_rows_roll_ups_and_reports(
        string? provider, string? served, string priceProvider, string priceModel)
    {
        await using var host = await NewHostAsync();
        var call = Call(provider, served);
        await host.PutAsync([call, call with { Id = Guid.CreateVersion7(Hour.AddDays(1)) }]);
        await host.IngestAllAsync();

        var unpriced = Assert.Single(await host.Prices.ReadUnpricedAsync(0, Hour.AddDays(-1), Hour.AddDays(3), Cancellation));
        Assert.Equal((provider ?? "", served ?? "", priceProvider, priceModel, 2L), (unpriced.Provider, unpriced.ServedModel, unpriced.PriceProvider, unpriced.PriceModel, unpriced.Calls));

        PriceEntry[] entries = [Entry(priceProvider, priceModel, "input", 1m), Entry(priceProvider, priceModel, "output", 2m)];
        var effect = Assert.Single((await host.Preview.CompareAsync(entries, 0, Cancellation)).Effects);
        Assert.Equal((priceProvider, priceModel, 2L, 0.00016m, 2L, 0L), (effect.Provider, effect.ServedModel, effect.Calls, effect.NewCostUsd, effect.OldUnpricedCalls, effect.NewUnpricedCalls));
        await host.Prices.SaveAsync(PriceSource.Manual, "ann", "because", entries, 0, acceptImplausible: false, Cancellation);

        Assert.Empty(await host.Prices.ReadUnpricedAsync(1, Hour.AddDays(-1), Hour.AddDays(3), Cancellation));
        Assert.Equal(["0.00008", "0.00008"], await CostsAsync(host));
        foreach (var days in new[] { false, true })
        {
            if (days)
            {
                Assert.Equal(2, await host.Days.CompactAsync(Hour.AddDays(3), Cancellation));
            }

            foreach (var key in new[] { ReportKey.Model, ReportKey.Provider, ReportKey.ServedModel, ReportKey.User })
            {
                var group = Assert.Single((await host.Reports.SummariseAsync(ReportedUsage.Query(), [key], Cancellation)).Groups);
                Assert.Equal((0.00016m, 0L, 2L), (group.Sums.CostUsd, group.Sums.UnpricedCalls, group.Sums.Calls));
            }
        }

        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        await host.Sums.RebuildAsync(Cancellation);
        Assert.Equal(["0.00008", "0.00008"], await CostsAsync(host));
    }

    [Fact]
    public async Task lists_stories_and_files_have_the_cost_and_the_names_that_were_told()
    {
        await using var host = await NewHostAsync();
        var call = Call(null, null);
        await host.PutAsync([call]);
        await host.IngestAllAsync();
        await SaveAsync(host, "unknown", "my-alias");
        var query = ReportedUsage.Query();
        query = query with { AsOf = await host.Export.PinAsync(query, Cancellation) };

        var listed = Assert.Single((await host.Calls.ListAsync(query, null, 10, Cancellation)).Calls);
        var story = (await host.Calls.FindAsync(call.Id, new ReportFilter(), null, Cancellation))!;
        using var file = new MemoryStream();
        await host.Export.WriteAsync(query, ExportFormat.JsonLines, file, Cancellation);
        var line = JsonElement.Parse(Encoding.UTF8.GetString(file.ToArray()));

        Assert.Equal((0.00008m, false, null, null), (listed.CostUsd, listed.Unpriced, listed.Provider, listed.ServedModel));
        Assert.Equal(0.00008m, story.CostByClass.Sum(one => one.CostUsd));
        Assert.Equal(1m, story.Prices!.Input);
        Assert.Equal((0.00008m, JsonValueKind.Null), (line.GetProperty("costUsd").GetDecimal(), line.GetProperty("provider").ValueKind));
    }

    [Fact]
    public async Task a_call_with_both_names_has_its_own_price_and_no_other()
    {
        await using var host = await NewHostAsync();
        await host.PutAsync([Call("openai", "gpt"), Call(null, null)]);
        await host.IngestAllAsync();

        await SaveAsync(host, "unknown", "my-alias");
        await SaveAsync(host, "unknown", "gpt");
        await SaveAsync(host, "openai", "my-alias");

        Assert.Equal([null, "0.00008"], await CostsAsync(host, "provider NULLS LAST"));
        var unpriced = Assert.Single(await host.Prices.ReadUnpricedAsync(long.MaxValue, Hour.AddDays(-1), Hour.AddDays(3), Cancellation));
        Assert.Equal(("openai", "gpt", "openai", "gpt"), (unpriced.Provider, unpriced.ServedModel, unpriced.PriceProvider, unpriced.PriceModel));
    }

    [Fact]
    public async Task calls_without_a_name_are_listed_by_their_alias()
    {
        await using var host = await NewHostAsync();
        await host.PutAsync([Call(null, null), Call(null, null) with { ModelAlias = "other" }, Call(null, null) with { ModelAlias = "other" }]);
        await host.IngestAllAsync();

        var unpriced = await host.Prices.ReadUnpricedAsync(0, Hour.AddDays(-1), Hour.AddDays(3), Cancellation);

        Assert.Equal([("unknown", "other", 2L), ("unknown", "my-alias", 1L)], unpriced.Select(one => (one.PriceProvider, one.PriceModel, one.Calls)));
    }

    [Fact]
    public async Task a_price_by_alias_that_starts_in_the_middle_of_a_day_splits_the_day()
    {
        await using var host = await NewHostAsync();
        var call = Call(null, null);
        await host.PutAsync([call, call with { Id = Guid.CreateVersion7(Hour.AddHours(2)) }]);
        await host.IngestAllAsync();
        await SaveAsync(host, "unknown", "my-alias");
        await host.Prices.SaveAsync(
            PriceSource.Manual, "ann", "dearer", [Entry("unknown", "my-alias", "input", 10m) with { EffectiveFrom = Hour.AddHours(1) }], null, false, Cancellation);

        var fromHours = await host.Reports.SummariseAsync(ReportedUsage.Query(), [ReportKey.Model], Cancellation);
        Assert.Equal(1, await host.Days.CompactAsync(Hour.AddDays(3), Cancellation));
        var fromDays = await host.Reports.SummariseAsync(ReportedUsage.Query(), [ReportKey.Model], Cancellation);

        // 12 × 1 + 34 × 2, and 12 × 10 + 34 × 2.
        Assert.Equal(0.000268m, fromHours.Totals.CostUsd);
        Assert.Equal(0.000268m, fromDays.Totals.CostUsd);
        Assert.Equal(2L, await host.ScalarAsync("SELECT count(*) FROM ledger.usage_day_org"));
    }

    [Fact]
    public async Task a_day_that_was_added_up_before_there_were_prices_by_alias_is_added_up_again_when_it_has_one()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using (var host = await LedgerHost.ReadyAsync(connectionString))
        {
            await host.PutAsync([Call("openai", null), Call("openai", null) with { Id = Guid.CreateVersion7(Hour.AddDays(1)), ModelAlias = "another" }]);
            await host.IngestAllAsync();
            await SaveAsync(host, "openai", "my-alias");
            Assert.Equal(2, await host.Days.CompactAsync(Hour.AddDays(3), Cancellation));
        }

        await OldLedger.MigrateAsync(connectionString, "20261201004500_CacheWriteLifetimes");
        await OldLedger.ExecuteAsync(connectionString, $"SELECT FROM ledger.call_cost(NULL, 'infinity'), ledger.unpriced_usage(NULL, '-infinity', 'infinity')");

        await using var again = await LedgerHost.ReadyAsync(connectionString);
        Assert.Equal(1, await again.Days.CompactAsync(Hour.AddDays(3), Cancellation));
        Assert.Equal([], await again.Sums.VerifyAsync(Cancellation));
    }

    private static UsageEvent Call(string? provider, string? served) => Events.Plain(Guid.CreateVersion7(Hour)) with
    {
        ModelAlias = "my-alias",
        Provider = provider,
        ServedModel = served,
    };

    private static PriceEntry Entry(string provider, string model, string tokenClass, decimal price) => new(provider, model, tokenClass, RandomUsage.Start, price);

    private static Task<long> SaveAsync(LedgerHost host, string provider, string model) => host.Prices.SaveAsync(
        PriceSource.Manual, "ann", "because", [Entry(provider, model, "input", 1m), Entry(provider, model, "output", 2m)], null, false, Cancellation);

    /// <summary>Of the rows; checked against both kinds of roll-ups.</summary>
    private static async Task<List<string?>> CostsAsync(LedgerHost host, string order = "id")
    {
        List<string?> costs = [];
        await using (var command = host.Source.CreateCommand($"SELECT trim_scale(cost_usd)::text FROM ledger.call_cost(NULL, 'infinity') ORDER BY {order}"))
        await using (var reader = await command.ExecuteReaderAsync(Cancellation))
        {
            while (await reader.ReadAsync(Cancellation))
            {
                costs.Add(await reader.IsDBNullAsync(0, Cancellation) ? null : reader.GetString(0));
            }
        }

        var rows = await host.ScalarAsync("SELECT sum(cost_usd) || ' ' || count(*) FILTER (WHERE unpriced) FROM ledger.call_cost(NULL, 'infinity')");
        Assert.Equal(rows, await host.ScalarAsync("SELECT sum(cost_usd) || ' ' || sum(unpriced_calls) FROM ledger.rollup_cost_org(NULL)"));
        Assert.Equal(rows, await host.ScalarAsync("SELECT sum(cost_usd) || ' ' || sum(unpriced_calls) FROM ledger.rollup_cost_user(NULL)"));
        return costs;
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
