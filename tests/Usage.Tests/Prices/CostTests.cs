using System.Numerics;
using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests.Prices;

/// <summary>What calls cost: by rows, by roll-ups and by <see cref="PriceBook"/>, to the last digit.</summary>
public class CostTests(PostgresFixture postgres)
{
    private const string ByRows = """
        SELECT coalesce(provider, ''), coalesce(served_model, ''), date_trunc('hour', created_at, 'UTC'),
            (coalesce(sum(cost_usd), 0) * 1e18)::numeric(60, 0)::text, count(*) FILTER (WHERE unpriced)
        FROM ledger.call_cost($1, 'infinity') GROUP BY 1, 2, 3
        """;

    private static readonly DateTimeOffset Hour = RandomUsage.Start.AddHours(12);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<int> Seeds => [1, 2, 3, 4, 5, 6, Random.Shared.Next()];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task rows_roll_ups_and_an_independent_calculation_agree_to_the_last_digit(int seed)
    {
        await using var host = await NewHostAsync();
        var random = new RandomUsage(seed);
        var calls = Enumerable.Range(0, 400).Select(_ => random.Call()).ToList();
        await IngestAsync(host, calls);
        var book = new PriceBook();
        for (var i = 0; i < 8; i++)
        {
            await book.SaveAsync(host.Source, random.Any(["manual", "gateway", "import"]), random.Prices());
        }

        var unpriced = 0L;
        var cost = BigInteger.Zero;
        foreach (var revision in book.Revisions.Select(one => one.Id).Prepend(0))
        {
            var expected = calls.GroupBy(Place.Of).ToDictionary(group => group.Key, group => new Sum(
                group.Aggregate(BigInteger.Zero, (sum, call) => sum + (book.Cost(call, revision) ?? 0)), group.Count(call => book.Cost(call, revision) is null)));
            Assert.Equal(expected, await ReadAsync(host, ByRows, revision));
            Assert.Equal(expected, await ReadAsync(host, ByRollup("org"), revision));
            Assert.Equal(expected, await ReadAsync(host, ByRollup("user"), revision));
            // Tokens first, then their price: what a report does.
            Assert.Equal(expected, await ReadAsync(host, ByTokens, revision));
            Assert.Equal(
                calls.ToDictionary(call => call.Id, call => book.Cost(call, revision)), await ReadCallsAsync(host, revision));
            unpriced += expected.Values.Sum(sum => sum.Unpriced);
            cost += expected.Values.Aggregate(BigInteger.Zero, (sum, one) => sum + one.Cost);
        }

        // It was about something.
        Assert.True(unpriced > 0 && cost > 0);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task a_retroactive_change_moves_exactly_the_period_it_names(int seed)
    {
        await using var host = await NewHostAsync();
        var random = new RandomUsage(seed);
        UsageEvent[] calls = [.. Enumerable.Range(0, 400).Select(_ => random.Call()).Select(call => call with
        {
            Provider = "openai", ServedModel = random.Any(["gpt-a", "gpt-b"]), PromptTokens = 1000, CachedPromptTokens = 0, CacheWriteTokens = 0, AudioPromptTokens = 0,
        })];
        await IngestAsync(host, calls);
        var book = new PriceBook();
        // In the first hour of the change is a call that it is about: few are in each hour, and in some there is none.
        var at = random.Any([.. calls.Where(call => call.ServedModel == "gpt-a").Select(call => call.CreatedAt)]);
        var from = RandomUsage.Start.AddHours(Math.Floor((at - RandomUsage.Start).TotalHours));
        var next = from.AddHours(1 + random.Next(20));
        await book.SaveAsync(
            host.Source, "manual",
            new("openai", "gpt-a", "input", RandomUsage.Start, 1m), new("openai", "gpt-a", "input", next, 1m), new("openai", "gpt-a", "output", RandomUsage.Start, 2m),
            new("openai", "gpt-b", "input", RandomUsage.Start, 1m), new("openai", "gpt-b", "output", RandomUsage.Start, 2m));
        var before = await ReadAsync(host, ByRows, book.Newest);

        // The gateway's is under the manual one: it moves nothing.
        var ignored = await book.SaveAsync(host.Source, "gateway", new BookEntry("openai", "gpt-a", "input", from, 77m));
        Assert.Equal(before, await ReadAsync(host, ByRows, ignored));
        var change = new BookEntry("openai", "gpt-a", "input", from, 3m);
        var previewed = await ReadAsync(host, ByDraft(PriceBook.Draft(change)), ignored);
        Assert.Equal(before, await ReadAsync(host, ByRows, ignored));
        await book.SaveAsync(host.Source, "manual", change);
        var after = await ReadAsync(host, ByRows, book.Newest);

        Assert.Equal(after, previewed);
        Assert.Equal(before, await ReadAsync(host, ByRows, ignored));
        var named = before.Keys.Where(place => place.Model == "gpt-a" && place.Hour >= from && place.Hour < next).Order().ToList();
        Assert.NotEmpty(named);
        Assert.Equal(named, before.Keys.Where(place => before[place] != after[place]).Order());
        Assert.Equal(after, await ReadAsync(host, ByRollup("org"), book.Newest));
    }

    [Fact]
    public async Task what_has_no_price_is_unpriced_and_never_zero()
    {
        await using var host = await NewHostAsync();
        UsageEvent At(string model, int hour, long prompt, long completion) => Events.Plain(Guid.CreateVersion7(Hour.AddHours(hour))) with
        {
            Provider = "openai",
            ServedModel = model,
            PromptTokens = prompt,
            CompletionTokens = completion,
        };
        await IngestAsync(host, [
            At("unknown", 0, 1, 0), At("unknown", 0, 0, 0),
            At("half", 0, 5, 0), At("half", 0, 5, 7),
            At("ended", 0, 1, 1), At("ended", 1, 1, 1),
            At("free", 0, 1, 1)]);
        var book = new PriceBook();
        await book.SaveAsync(
            host.Source, "manual",
            new("openai", "half", "input", Hour, 1m),
            new("openai", "ended", "input", Hour, 1m), new("openai", "ended", "output", Hour, 1m), new("openai", "ended", "output", Hour.AddHours(1), null),
            new("openai", "free", "input", Hour, 0m), new("openai", "free", "output", Hour, 0m));

        Assert.Equal(
            ["ended 0 2e-6", "ended 1 null", "free 0 0", "half 0 null", "half 0 null", "unknown 0 0", "unknown 0 null"],
            await ListAsync(host, $"""
                SELECT served_model || ' ' || extract(hour FROM created_at AT TIME ZONE 'UTC') - 12 || ' '
                    || CASE WHEN cost_usd = 0.000002 THEN '2e-6' ELSE coalesce(trim_scale(cost_usd)::text, 'null') END
                FROM ledger.call_cost({book.Newest}, 'infinity')
                WHERE unpriced = (cost_usd IS NULL) ORDER BY 1
                """));
        Assert.Equal(
            ["ended 1 1 1", "half 2 10 7", "unknown 1 1 0"],
            await ListAsync(host, $"""
                SELECT served_model || ' ' || calls || ' ' || prompt_tokens || ' ' || completion_tokens
                FROM ledger.unpriced_usage({book.Newest}, '-infinity', 'infinity') ORDER BY 1
                """));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_report_reads_only_the_months_that_it_is_about()
    {
        await using var host = await NewHostAsync();
        await IngestAsync(host, [Events.Plain(Guid.CreateVersion7(Hour)), Events.Plain(Guid.CreateVersion7(Hour.AddMonths(1)))]);

        var plan = string.Join('\n', await ListAsync(
            host, "EXPLAIN SELECT id, cost_usd FROM ledger.call_cost(7, 'infinity') WHERE created_at >= '2026-03-01 00:00+00' AND created_at < '2026-04-01 00:00+00'"));

        Assert.Contains("llm_usage_2026_03", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("llm_usage_2026_02", plan, StringComparison.Ordinal);
    }

    [Fact]
    public async Task tokens_that_are_counted_in_two_classes_are_charged_once()
    {
        await using var host = await NewHostAsync();
        await IngestAsync(host, [Events.Plain() with
        {
            PromptTokens = 100, CachedPromptTokens = 80, CacheWriteTokens = 30, AudioPromptTokens = 90,
            CompletionTokens = 10, ReasoningTokens = 20, AudioCompletionTokens = 5,
        }]);

        var row = Assert.Single(await host.RowsAsync());

        Assert.Equal((80L, 20L, 0L, 10L, 0L), (row.CachedPromptTokens, row.CacheWriteTokens, row.AudioPromptTokens, row.ReasoningTokens, row.AudioCompletionTokens));
        await host.Sums.RebuildAsync(Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    internal static string ByDraft(string draft) => $"""
        SELECT usage.provider, usage.served_model, usage.hour,
            (coalesce(sum(ledger.token_cost(
                prompt_tokens, completion_tokens, cached_prompt_tokens, cache_write_tokens, usage.reasoning_tokens, audio_prompt_tokens, audio_completion_tokens,
                input, output, cached_input, cache_write, reasoning, audio_input, audio_output)), 0) * 1e18)::numeric(60, 0)::text,
            coalesce(sum(calls - empty_calls) FILTER (WHERE input IS NULL OR output IS NULL), 0)::bigint
        FROM ledger.usage_rollup_org AS usage LEFT JOIN ledger.price_periods($1, '{draft}') AS price
            ON price.provider = ledger.price_provider(usage.provider) AND price.model = ledger.price_model(usage.served_model, usage.model_alias)
                AND valid_from <= hour AND hour < valid_to
        GROUP BY 1, 2, 3
        """;

    private static string ByRollup(string of) => $"""
        SELECT provider, served_model, hour, (coalesce(sum(cost_usd), 0) * 1e18)::numeric(60, 0)::text, sum(unpriced_calls)::bigint
        FROM ledger.rollup_cost_{of}($1) GROUP BY 1, 2, 3
        """;

    private const string ByTokens = """
        SELECT usage.provider, served_model, hour,
            (coalesce(ledger.token_cost(
                prompt_tokens, completion_tokens, cached_prompt_tokens, cache_write_tokens, usage.reasoning_tokens, audio_prompt_tokens, audio_completion_tokens,
                input, output, cached_input, cache_write, reasoning, audio_input, audio_output), 0) * 1e18)::numeric(60, 0)::text,
            CASE WHEN input IS NULL OR output IS NULL THEN calls ELSE 0 END::bigint
        FROM (
            SELECT model_alias, provider, served_model, hour, sum(calls - empty_calls) AS calls, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
                sum(cached_prompt_tokens) AS cached_prompt_tokens, sum(cache_write_tokens) AS cache_write_tokens, sum(reasoning_tokens) AS reasoning_tokens,
                sum(audio_prompt_tokens) AS audio_prompt_tokens, sum(audio_completion_tokens) AS audio_completion_tokens
            FROM ledger.usage_rollup_user GROUP BY 1, 2, 3, 4
        ) AS usage LEFT JOIN ledger.price_periods($1) AS price
            ON price.provider = ledger.price_provider(usage.provider) AND price.model = ledger.price_model(usage.served_model, usage.model_alias)
                AND valid_from <= hour AND hour < valid_to
        """;

    private static async Task IngestAsync(LedgerHost host, IReadOnlyList<UsageEvent> calls)
    {
        await host.PutAsync(calls);
        Assert.Equal(0, (await host.IngestAllAsync()).Sum(batch => batch.Rejected));
    }

    private static async Task<Dictionary<Place, Sum>> ReadAsync(LedgerHost host, string sql, long revision)
    {
        await using var command = host.Source.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = revision });
        Dictionary<Place, Sum> sums = [];
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        while (await reader.ReadAsync(Cancellation))
        {
            sums.Add(
                new Place(reader.GetString(0), reader.GetString(1), await reader.GetFieldValueAsync<DateTimeOffset>(2, Cancellation)),
                new Sum(BigInteger.Parse(reader.GetString(3), null), reader.GetInt64(4)));
        }

        return sums;
    }

    private static async Task<Dictionary<Guid, BigInteger?>> ReadCallsAsync(LedgerHost host, long revision)
    {
        await using var command = host.Source.CreateCommand("SELECT id, (cost_usd * 1e18)::numeric(60, 0)::text FROM ledger.call_cost($1, 'infinity')");
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = revision });
        Dictionary<Guid, BigInteger?> costs = [];
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        while (await reader.ReadAsync(Cancellation))
        {
            costs.Add(reader.GetGuid(0), await reader.IsDBNullAsync(1, Cancellation) ? null : BigInteger.Parse(reader.GetString(1), null));
        }

        return costs;
    }

    private static async Task<List<string>> ListAsync(LedgerHost host, string sql)
    {
        await using var command = host.Source.CreateCommand(sql);
        List<string> lines = [];
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        while (await reader.ReadAsync(Cancellation))
        {
            lines.Add(reader.GetString(0));
        }

        return lines;
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

    private sealed record Place(string Provider, string Model, DateTimeOffset Hour) : IComparable<Place>
    {
        public static Place Of(UsageEvent call)
        {
            var at = call.CreatedAt;
            return new Place(call.Provider ?? "", call.ServedModel ?? "", new DateTimeOffset(at.Year, at.Month, at.Day, at.Hour, 0, 0, TimeSpan.Zero));
        }

        public int CompareTo(Place? other) => Comparer<(string?, string?, DateTimeOffset?)>.Default.Compare((Provider, Model, Hour), (other?.Provider, other?.Model, other?.Hour));
    }

    /// <param name="Cost">Units of 10⁻¹⁸ USD.</param>
    /// <param name="Unpriced">Calls.</param>
    private sealed record Sum(BigInteger Cost, long Unpriced);
}
