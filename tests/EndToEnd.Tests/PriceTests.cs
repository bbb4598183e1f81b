using System.Globalization;
using Microsoft.Playwright;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>The page of prices, of calls that the worker ingested: what it shows and foretells is what SQL gives.</summary>
public sealed class PriceTests(StackFixture stack, BrowserFixture browser)
{
    private const string CostByCall = """
        SELECT id, created_at, cost_usd, unpriced FROM ledger.call_cost(NULL, 'infinity') WHERE provider = $1 AND served_model = 'hand-made'
        """;

    /// <summary>After those of the gateway, by name: other tests take the first of all.</summary>
    private readonly string _provider = $"zz-{Guid.NewGuid():N}";

    [Fact]
    public async Task prices_their_history_and_what_a_change_does_are_those_of_the_ledger()
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        await SeedAsync(database, patience.Token);
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync("operator");
        await CompareUnpricedAsync(page, database, "hand-made", patience.Token);

        // A model that had no price, from before its first call.
        await page.GotoAsync("/operator/prices");
        await page.GetByTestId("add-price").ClickAsync();
        await page.GetByTestId("price-provider").FillAsync(_provider);
        await page.GetByTestId("price-model").FillAsync("hand-made");
        await ChangeAsync(page, database, -90, [("input", "2.5"), ("cached_input", "0.25"), ("output", "10")], "list price", patience.Token);

        // A change of the past, and one that is announced.
        await page.GotoAsync($"/operator/prices?show=edit&provider={_provider}&model=hand-made");
        await page.GetByTestId("price-of-input").WaitForAsync();
        Assert.Equal(["$2.50", "$10.00", "$0.25"], await page.EvaluateAsync<string[]>("['input', 'output', 'cached_input'].map(name => document.querySelector(`.price-classes tr[data-class=${name}] .number`).innerText)"));
        await ChangeAsync(page, database, -20, [("input", "1.75"), ("reasoning", "12.5")], "contract", patience.Token);
        await page.GotoAsync($"/operator/prices?show=edit&provider={_provider}&model=hand-made");
        await ChangeAsync(page, database, +10, [("output", "9")], "announced", patience.Token);

        await ComparePricesAsync(page, database, patience.Token);
        await CompareHistoryAsync(page, database, patience.Token);
        await CompareUnpricedAsync(page, database, "never-priced", patience.Token);
    }

    /// <summary>Previews a change, saves it, and compares what was foretold with what the calls cost before and after.</summary>
    private async Task ChangeAsync(IPage page, NpgsqlConnection database, int day, (string Class, string Price)[] prices, string reason, CancellationToken cancellationToken)
    {
        await page.GetByTestId("price-day").FillAsync(DateTimeOffset.UtcNow.AddDays(day).Day());
        foreach (var (tokenClass, price) in prices)
        {
            await page.GetByTestId($"price-of-{tokenClass}").FillAsync(price);
        }

        await page.GetByTestId("preview-prices").ClickAsync();
        await page.GetByTestId("price-effects").WaitForAsync();
        var foretold = (await page.FiguresAsync()).Where(figure => figure.Table == "price-effects").ToList();

        await ExecuteAsync(database, $"CREATE TEMP TABLE before AS {CostByCall}", cancellationToken, _provider);
        await page.GetByTestId("price-reason").FillAsync(reason);
        await page.GetByTestId("save-prices").ClickAsync();
        await page.GetByTestId("done").WaitForAsync();
        var rows = await database.ReadAsync(
            $"""
            WITH after AS ({CostByCall})
            SELECT
                to_char(before.created_at AT TIME ZONE 'UTC', 'YYYY-MM'), count(*), coalesce(sum(before.cost_usd), 0), coalesce(sum(after.cost_usd), 0),
                count(*) FILTER (WHERE before.unpriced), count(*) FILTER (WHERE after.unpriced)
            FROM before JOIN after USING (id) WHERE before.cost_usd IS DISTINCT FROM after.cost_usd GROUP BY 1 ORDER BY 1
            """,
            cancellationToken, _provider);
        await ExecuteAsync(database, "DROP TABLE before", cancellationToken);

        Assert.Equal(day > 0, rows.Count == 0);
        List<(string Key, string Name, decimal Value)> expected = [];
        foreach (var row in rows)
        {
            var (month, before, after) = ((string)row[0]!, (decimal)row[2]!, (decimal)row[3]!);
            expected.AddRange([(month, "calls", (long)row[1]!), (month, "oldCostUsd", before), (month, "newCostUsd", after), (month, "differenceUsd", after - before)]);
            expected.Add((month, "newUnpricedCalls", (long)row[5]!));
            if (!Equals(row[4], row[5]))
            {
                expected.Add((month, "oldUnpricedCalls", (long)row[4]!));
            }
        }

        if (rows.Count > 0)
        {
            expected.Add(("all", "differenceUsd", rows.Sum(row => (decimal)row[3]! - (decimal)row[2]!)));
        }

        Assert.Equal(expected.Order(), foretold.Select(figure => (figure.Key, figure.Name, figure.Number!.Value)).Order());
    }

    /// <summary>Every price, as it is read, the time since it is in force, and the next change.</summary>
    private static async Task ComparePricesAsync(IPage page, NpgsqlConnection database, CancellationToken cancellationToken)
    {
        await page.GotoAsync("/operator/prices");
        await page.GetByTestId("prices").WaitForAsync();
        var shown = await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('[data-testid=prices] tbody tr')].map(row => [
                row.querySelector('.second-line').firstChild.data.trim().replace(', unpriced', ''), row.querySelector('th').firstChild.data.trim(),
                ...['input', 'output', 'cached_input', 'cache_write', 'reasoning', 'audio_input', 'audio_output'].map(name => {
                    const cell = row.querySelector(`[data-class=${name}]`);
                    return !cell || cell.innerText === '–' ? '' : cell.innerText.replace('$', '').replace(',', '').replace(/\.?0+$/, '');
                }),
                ...[...row.querySelectorAll('td:not([data-class])')].map(cell => cell.querySelector('time')?.getAttribute('datetime').slice(0, 13) ?? cell.innerText)].join('|'))
            """);
        await ExecuteAsync(
            database,
            """
            CREATE FUNCTION pg_temp.price(usd numeric) RETURNS text LANGUAGE sql AS $$ SELECT coalesce(trim_scale(usd)::text, '') $$;
            CREATE FUNCTION pg_temp.hour(at timestamptz) RETURNS text LANGUAGE sql AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24') $$;
            """,
            cancellationToken);
        var rows = await database.ReadAsync(
            """
            SELECT
                concat_ws('|', now.provider, now.model, pg_temp.price(now.input), pg_temp.price(now.output), pg_temp.price(now.cached_input), pg_temp.price(now.cache_write),
                    pg_temp.price(now.reasoning), pg_temp.price(now.audio_input), pg_temp.price(now.audio_output),
                    CASE WHEN now.valid_from <= '2000-01-01 00:00+00' THEN 'always' ELSE pg_temp.hour(now.valid_from) END, coalesce(pg_temp.hour(min(next.valid_from)), '–'))
            FROM ledger.price_periods() AS now LEFT JOIN ledger.price_periods() AS next ON next.provider = now.provider AND next.model = now.model AND next.valid_from > now()
            WHERE now.valid_from <= now() AND now.valid_to > now()
            GROUP BY now.provider, now.model, now.input, now.output, now.cached_input, now.cache_write, now.reasoning, now.audio_input, now.audio_output, now.valid_from
            """,
            cancellationToken);
        await page.CheckTimesAsync("UTC");
        Assert.Contains(rows, row => ((string)row[0]!).StartsWith("zz-", StringComparison.Ordinal));
        Assert.Equal(rows.Select(row => (string)row[0]!).Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
        Assert.Equal(
            (await database.ReadAsync("SELECT max(id) FROM ledger.price_revision", cancellationToken))[0][0], long.Parse(await page.GetByTestId("price-revision").InnerTextAsync(), CultureInfo.InvariantCulture));
    }

    private async Task CompareHistoryAsync(IPage page, NpgsqlConnection database, CancellationToken cancellationToken)
    {
        await page.GotoAsync($"/operator/prices?show=history&provider={_provider}&model=hand-made");
        await page.GetByTestId("price-history").WaitForAsync();
        var shown = await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('[data-testid=price-history] li')].flatMap(revision => [...revision.querySelectorAll('tr[data-class]')].map(entry => [
                revision.querySelector('b').innerText.replace('Revision ', ''), entry.dataset.class, entry.querySelector('time').getAttribute('datetime').slice(0, 13),
                entry.querySelector('.number').innerText.replace('$', '').replace(/\.?0+$/, ''), revision.innerText.includes('operator@demo.local'),
                ['list price', 'contract', 'announced'].find(reason => revision.innerText.includes(reason))].join('|')))
            """);
        var rows = await database.ReadAsync(
            """
            SELECT concat_ws('|', revision.id, price.token_class, to_char(price.effective_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24'), trim_scale(price.usd_per_million),
                revision.author = 'operator@demo.local', revision.reason)
            FROM ledger.llm_price AS price JOIN ledger.price_revision AS revision ON revision.id = price.revision_id WHERE price.provider = $1
            """,
            cancellationToken, _provider);
        await page.CheckTimesAsync("UTC");
        Assert.Equal(6, rows.Count);
        Assert.Equal(rows.Select(row => ((string)row[0]!).Replace("|t|", "|true|", StringComparison.Ordinal)).Order(StringComparer.Ordinal), shown.Order(StringComparer.Ordinal));
    }

    /// <param name="model">One that is among them.</param>
    private async Task CompareUnpricedAsync(IPage page, NpgsqlConnection database, string model, CancellationToken cancellationToken)
    {
        // Others chat meanwhile, perhaps with models without a price: what they did not change is shown, and nothing that is not there.
        var before = await ReadUnpricedAsync(database, cancellationToken);
        await page.GotoAsync("/operator/prices");
        await page.Locator($"[data-testid=unpriced] tr[data-provider='{_provider}'][data-model='{model}']").WaitForAsync();
        var shown = (await page.FiguresAsync()).Where(figure => figure.Table == "unpriced").Select(figure => (figure.Row, figure.Name, figure.Number!.Value)).ToList();
        var after = await ReadUnpricedAsync(database, cancellationToken);

        await page.CheckRowsAsync("[data-testid=unpriced] tbody tr", "row.dataset.model");
        Assert.Empty(before.Intersect(after).Except(shown));
        Assert.Empty(shown.Select(figure => (figure.Row, figure.Name)).Except(after.Select(figure => (figure.Row, figure.Name))));
        Assert.Equal(
            after.Where(figure => figure.Row.StartsWith(_provider, StringComparison.Ordinal)).Order(),
            shown.Where(figure => figure.Row.StartsWith(_provider, StringComparison.Ordinal)).Order());
        Assert.Contains(shown, figure => figure.Row == $"{_provider} {model}");
    }

    private static async Task<List<(string Row, string Name, decimal Value)>> ReadUnpricedAsync(NpgsqlConnection database, CancellationToken cancellationToken)
    {
        var rows = await database.ReadAsync(
            """
            SELECT
                concat(ledger.price_provider(provider), ' ', ledger.price_model(served_model, model_alias)), count(*), sum(prompt_tokens)::bigint,
                sum(completion_tokens)::bigint
            FROM ledger.call_cost(NULL, 'infinity') WHERE unpriced AND created_at >= now() - interval '30 days' GROUP BY 1
            """,
            cancellationToken);
        return [.. rows.SelectMany(row => new[] { "calls", "promptTokens", "completionTokens" }.Select((name, i) => ((string)row[0]!, name, (decimal)(long)row[i + 1]!))).Order()];
    }

    /// <summary>Calls of two months, none near the thirtieth day; half of them of a model that stays without a price.</summary>
    private async Task SeedAsync(NpgsqlConnection database, CancellationToken cancellationToken)
    {
        var random = new Random(11);
        const int Count = 80;
        var calls = Enumerable.Range(0, Count).Select(_ => (
            Id: Guid.CreateVersion7(DateTimeOffset.UtcNow.AddDays(-(random.Next(2) == 0 ? 1 + (26 * random.NextDouble()) : 33 + (30 * random.NextDouble())))),
            Prompt: random.NextInt64(10, 40_000), Completion: random.NextInt64(10, 4_000))).ToList();
        await using var insert = new NpgsqlCommand(
            """
            INSERT INTO ledger.usage_inbox (
                id, request_id, user_id, org_id, operation, model_alias, provider, served_model, prompt_tokens, completion_tokens, cached_prompt_tokens, reasoning_tokens,
                source, outcome, duration_ms)
            SELECT id, id, $1, $1, 'chat', 'by-hand', $2, CASE WHEN number % 2 = 0 THEN 'hand-made' ELSE 'never-priced' END, prompt, completion, prompt / 3, completion / 4, 'provider', 'completed', 1000
            FROM unnest($3, $4, $5) WITH ORDINALITY AS call (id, prompt, completion, number)
            """,
            database);
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = Guid.NewGuid() });
        insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _provider });
        insert.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. calls.Select(call => call.Id)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        insert.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. calls.Select(call => call.Prompt)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        insert.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. calls.Select(call => call.Completion)], NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        await insert.ExecuteNonQueryAsync(cancellationToken);
        await database.WaitForAsync("SELECT count(*) = 80 FROM ledger.llm_usage WHERE provider = $1", cancellationToken, _provider);
    }

    private static async Task ExecuteAsync(NpgsqlConnection database, string sql, CancellationToken cancellationToken, params string[] parameters)
    {
        // A statement that makes a table takes no parameters.
        await using var command = new NpgsqlCommand(parameters.Aggregate(sql, (text, value) => text.Replace("$1", $"'{value}'", StringComparison.Ordinal)), database);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
