using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>The pages of usage, of calls that the worker ingested at the gateway's prices: every number on them is one that SQL gives.</summary>
public sealed class ReportTests(StackFixture stack, BrowserFixture browser)
{
    /// <summary>The alias of the model without a price.</summary>
    private const string Unpriced = "model-3";

    private const string Time = "from=2026-09-01&to=2026-09-04&zone=UTC";

    private static readonly DateTimeOffset Start = new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task every_number_on_the_pages_is_that_of_the_ledger()
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        await using var context = await browser.NewContextAsync(stack);
        var mail = BrowserSteps.NewMail();
        var page = await context.RegisterAsync("/register", mail, "Difference Engines");
        var (user, org) = await FindAsync(database, mail, patience.Token);
        await SeedAsync(database, user, org, patience.Token);

        var mine = await ReadCallsAsync(database, "user_id", user, patience.Token);
        var ours = await ReadCallsAsync(database, "org_id", org, patience.Token);
        Assert.Equal((80, 120), (mine.Count, ours.Count));
        Assert.Contains(ours, call => call.Cost is null);
        Assert.Contains(ours, call => call.Cost > 0);
        await CompareAsync(page, $"/usage?{Time}", mine);
        await CompareAsync(page, $"/organisation/usage?{Time}", ours);
        await CompareStoryAsync(page, mine, patience.Token);

        await using var operators = await browser.NewContextAsync(stack);
        var operatorsPage = await operators.OpenChatAsync("operator");
        await CompareAsync(operatorsPage, $"/operator/usage?{Time}&org={org}", ours);
    }

    /// <summary>Compares each number of a page with the calls.</summary>
    private static async Task CompareAsync(IPage page, string address, IReadOnlyList<Call> calls)
    {
        await page.GotoAsync(address);
        await page.Locator("[data-testid=usage-latency]").WaitForAsync();
        var figures = await page.FiguresAsync();
        Assert.True(figures.Count(one => one.Table == "usage-table") > 20, address);
        Assert.True(figures.Count(one => one.Table == "usage-shares") > 10, address);
        // What has no price costs no zero.
        Assert.DoesNotContain(figures, figure => figure is { Name: Unpriced, Part: "cost" } or { Key: Unpriced, Name: "costUsd" or "costShare" });
        Assert.Contains(figures, figure => figure.Key == Unpriced && figure.Name == "totalTokens");
        foreach (var figure in figures)
        {
            var (expected, digits) = Expected(figure, calls);
            Assert.True(
                expected is null ? figure.Value.Length == 0 : Math.Abs(decimal.Parse(figure.Value, NumberStyles.Float, CultureInfo.InvariantCulture) - expected.Value) <= digits,
                $"{address}: {figure} should be {expected}");
        }
    }

    private static (decimal? Value, decimal Tolerance) Expected(ShownFigure figure, IReadOnlyList<Call> calls)
    {
        var total = calls.Sum(call => call.Tokens);
        var cost = calls.Sum(call => call.Cost ?? 0);
        switch (figure.Table)
        {
            case "usage-totals":
                return (Sum(figure.Name, calls), 0);
            case "usage-sureness":
                var unsure = calls.Where(call => figure.Key == "unpriced" ? call.IsUnpriced : call.Source == figure.Key).ToList();
                return figure.Name switch
                {
                    "share" when figure.Key == "unpriced" => ((decimal)unsure.Count / calls.Count(call => call.Tokens > 0), 1e-9m),
                    "share" => ((decimal)unsure.Sum(call => call.Tokens) / total, 1e-9m),
                    "tokens" => (unsure.Sum(call => call.Tokens), 0),
                    "costUsd" => (unsure.Sum(call => call.Cost ?? 0), 0),
                    "calls" => (unsure.Count, 0),
                    _ => throw new InvalidOperationException($"What is {figure}?"),
                };
            case "usage-table":
                var cell = calls.Where(call => (figure.Key == "all" || call.Day == figure.Key) && (figure.Name == "all" || call.Model == figure.Name)).ToList();
                return (figure.Part == "tokens" ? cell.Sum(call => call.Tokens) : cell.Sum(call => call.Cost ?? 0), 0);
            case "usage-shares":
                var share = calls.Where(call => figure.Key == "all" || figure.Part switch { "model" => call.Model, "user" => call.User, _ => call.Org } == figure.Key).ToList();
                return figure.Name switch
                {
                    "tokenShare" => ((decimal)share.Sum(call => call.Tokens) / total, 1e-9m),
                    "costShare" => (share.Sum(call => call.Cost ?? 0) / cost, 1e-9m),
                    _ => (Sum(figure.Name, share), 0),
                };
            case "usage-latency":
                var timed = calls.Where(call => call.Model == figure.Key && call.Outcome == "completed").ToList();
                return figure.Name switch
                {
                    "calls" => (timed.Count, 0),
                    "ttftP50Ms" => (Percentile(timed.Select(call => call.TtftMs), 0.5m), 1e-6m),
                    "ttftP95Ms" => (Percentile(timed.Select(call => call.TtftMs), 0.95m), 1e-6m),
                    "durationP50Ms" => (Percentile(timed.Select(call => call.DurationMs), 0.5m), 1e-6m),
                    "durationP95Ms" => (Percentile(timed.Select(call => call.DurationMs), 0.95m), 1e-6m),
                    _ => throw new InvalidOperationException($"What is {figure}?"),
                };
            case "budget":
                // Nothing of September is in the present month.
                return figure.Name is "limitTokens" or "leftTokens" ? (2_000_000, 0) : (0, 0);
            default:
                throw new InvalidOperationException($"What is {figure}?");
        }
    }

    private static decimal Sum(string name, IReadOnlyList<Call> calls) => name switch
    {
        "calls" => calls.Count,
        "costUsd" => calls.Sum(call => call.Cost ?? 0),
        "totalTokens" => calls.Sum(call => call.Tokens),
        "promptTokens" => calls.Sum(call => call.Prompt),
        "completionTokens" => calls.Sum(call => call.Completion),
        "cachedPromptTokens" => calls.Sum(call => call.Cached),
        "cacheWriteTokens" => 0,
        "reasoningTokens" => calls.Sum(call => call.Reasoning),
        "unpricedCalls" => calls.Count(call => call.IsUnpriced),
        _ => throw new InvalidOperationException($"What is {name}?"),
    };

    /// <summary>From a bar to its calls, and from the report to all of them and to one.</summary>
    private static async Task CompareStoryAsync(IPage page, IReadOnlyList<Call> calls, CancellationToken cancellationToken)
    {
        await page.GotoAsync($"/usage?{Time}");
        await page.Locator("section[data-chart=tokens] .bars a[title*='model-1']").First.ClickAsync();
        await page.GetByTestId("call").First.WaitForAsync();
        var (day, ofBar) = (Regex.Match(page.Url, "from=([0-9-]{10})").Groups[1].Value, page.GetByTestId("call"));
        Assert.Contains("model=model-1", page.Url, StringComparison.Ordinal);
        Assert.Equal(
            calls.Where(call => call.Day == day && call.Model == "model-1").Select(call => $"{call.Id}").Order(),
            (await ofBar.EvaluateAllAsync<string[]>("rows => rows.map(row => row.dataset.callId)")).Order());

        await page.GotoAsync($"/usage?{Time}");
        await page.GetByTestId("all-calls").ClickAsync();
        await page.GetByTestId("load-more").ClickAsync();
        var rows = page.GetByTestId("call");
        await rows.Nth(calls.Count - 1).WaitForAsync();
        Assert.Equal(calls.Count, await rows.CountAsync());
        var chosen = calls.First(call => call.Cost > 0 && call.Reasoning > 0);
        await page.Locator($"tr[data-call-id='{chosen.Id}'] a").First.ClickAsync();
        await page.Locator($"[data-testid=call-story][data-call-id='{chosen.Id}']").WaitForAsync();

        var figures = (await page.FiguresAsync()).Where(figure => figure is { Table: "call-costs", Key: "all" }).ToDictionary(figure => figure.Name, figure => figure.Value);
        Assert.Equal(chosen.Tokens.ToString(CultureInfo.InvariantCulture), figures["tokens"]);
        Assert.Equal(chosen.Cost, decimal.Parse(figures["costUsd"], NumberStyles.Float, CultureInfo.InvariantCulture));

        await page.GotoAsync($"/usage?{Time}");
        var file = await page.RunAndWaitForDownloadAsync(() => page.GetByTestId("export-json").ClickAsync());
        var lines = await File.ReadAllLinesAsync(await file.PathAsync(), cancellationToken);
        Assert.Equal(
            calls.Select(call => (call.Id, call.Cost)).Order(),
            lines.Select(line => JsonElement.Parse(line)).Select(line => (
                line.GetProperty("id").GetGuid(), line.GetProperty("costUsd") is { ValueKind: JsonValueKind.Number } cost ? cost.GetDecimal() : (decimal?)null)).Order());
    }

    private static decimal? Percentile(IEnumerable<int?> values, decimal part)
    {
        var sorted = values.OfType<int>().Order().ToList();
        if (sorted.Count == 0)
        {
            return null;
        }

        var place = part * (sorted.Count - 1);
        var below = (int)place;
        return below + 1 < sorted.Count ? sorted[below] + ((sorted[below + 1] - sorted[below]) * (place - below)) : sorted[below];
    }

    private static async Task<(Guid User, Guid Org)> FindAsync(NpgsqlConnection database, string mail, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT id, organisation_id FROM tenant.account WHERE email = $1", database) { Parameters = { new() { Value = mail } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        Assert.True(await reader.ReadAsync(cancellationToken));
        return (reader.GetGuid(0), reader.GetGuid(1));
    }

    /// <summary>Puts calls of three days into the inbox, as an Api does, and waits until the worker has ingested them.</summary>
    private static async Task SeedAsync(NpgsqlConnection database, Guid user, Guid org, CancellationToken cancellationToken)
    {
        var random = new Random(5);
        List<(string Provider, string Model)> models = [];
        await using (var prices = new NpgsqlCommand(
            "SELECT provider, model FROM ledger.price_periods() WHERE input > 0 AND output > 0 AND valid_to = 'infinity' ORDER BY 1, 2 LIMIT 3", database))
        await using (var reader = await prices.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                models.Add((reader.GetString(0), reader.GetString(1)));
            }
        }

        Assert.Equal(3, models.Count);
        models.Add(("nobody", "without-a-price"));
        var colleague = Guid.NewGuid();
        const int Count = 120;
        var calls = Enumerable.Range(0, Count).Select(index =>
        {
            var model = random.Next(models.Count);
            var isFailure = random.Next(12) == 0;
            return (
                Id: Guid.CreateVersion7(Start.AddMinutes(random.Next(3 * 24 * 60))), User: index < 80 ? user : colleague, Alias: $"model-{model}", models[model].Provider, models[model].Model,
                Prompt: isFailure ? 0 : random.NextInt64(10, 40_000), Completion: isFailure ? 0 : random.NextInt64(10, 4_000),
                Source: isFailure ? "none" : random.Next(5) switch { 0 => "estimated", 1 => "partial", _ => "provider" }, Outcome: isFailure ? "failed" : "completed",
                Ttft: random.Next(200, 900), Duration: random.Next(1_000, 9_000));
        }).ToList();
        await using var insert = new NpgsqlCommand(
            """
            INSERT INTO ledger.usage_inbox (
                id, request_id, user_id, org_id, operation, model_alias, provider, served_model, prompt_tokens, completion_tokens, cached_prompt_tokens, reasoning_tokens,
                source, outcome, ttft_ms, duration_ms)
            SELECT id, id, user_id, $1, 'chat', alias, provider, model, prompt, completion, prompt / 3, completion / 4, source, outcome, ttft, duration
            FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                AS call (id, user_id, alias, provider, model, prompt, completion, source, outcome, ttft, duration)
            """,
            database);
        insert.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
        Add(call => call.Id, NpgsqlDbType.Uuid);
        Add(call => call.User, NpgsqlDbType.Uuid);
        Add(call => call.Alias, NpgsqlDbType.Text);
        Add(call => call.Provider, NpgsqlDbType.Text);
        Add(call => call.Model, NpgsqlDbType.Text);
        Add(call => call.Prompt, NpgsqlDbType.Bigint);
        Add(call => call.Completion, NpgsqlDbType.Bigint);
        Add(call => call.Source, NpgsqlDbType.Text);
        Add(call => call.Outcome, NpgsqlDbType.Text);
        Add(call => call.Ttft, NpgsqlDbType.Integer);
        Add(call => call.Duration, NpgsqlDbType.Integer);
        await insert.ExecuteNonQueryAsync(cancellationToken);
        await using var ingested = new NpgsqlCommand("SELECT count(*) FROM ledger.llm_usage WHERE org_id = $1", database) { Parameters = { new() { Value = org } } };
        while ((long)(await ingested.ExecuteScalarAsync(cancellationToken))! < Count)
        {
            await Task.Delay(50, cancellationToken);
        }

        void Add<T>(Func<(Guid Id, Guid User, string Alias, string Provider, string Model, long Prompt, long Completion, string Source, string Outcome, int Ttft, int Duration), T> value, NpgsqlDbType type) =>
            insert.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = [.. calls.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    private static async Task<List<Call>> ReadCallsAsync(NpgsqlConnection database, string whose, Guid id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT
                id, user_id::text, org_id::text, model_alias, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), prompt_tokens, completion_tokens,
                coalesce(cached_prompt_tokens, 0), coalesce(reasoning_tokens, 0), source, outcome, ttft_ms, duration_ms, cost_usd, unpriced
            FROM ledger.call_cost(NULL, 'infinity') WHERE {whose} = $1 AND created_at >= '2026-09-01 00:00+00' AND created_at < '2026-09-04 00:00+00'
            """,
            database)
        { Parameters = { new() { Value = id } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<Call> calls = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            calls.Add(new Call(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetInt64(5), reader.GetInt64(6),
                reader.GetInt64(7), reader.GetInt64(8), reader.GetString(9), reader.GetString(10), reader.GetInt32(11), reader.GetInt32(12),
                await reader.IsDBNullAsync(13, cancellationToken) ? null : reader.GetDecimal(13), reader.GetBoolean(14)));
        }

        return calls;
    }

    private sealed record Call(
        Guid Id, string User, string Org, string Model, string Day, long Prompt, long Completion, long Cached, long Reasoning, string Source, string Outcome,
        int? TtftMs, int? DurationMs, decimal? Cost, bool IsUnpriced)
    {
        public long Tokens => Prompt + Completion;
    }
}
