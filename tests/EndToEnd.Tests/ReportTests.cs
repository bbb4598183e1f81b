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

    private static readonly string[] Days = ["2026-09-01", "2026-09-02", "2026-09-03"];

    private const int Count = 120;

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
        await SeedAsync(database, user, org, Start, TimeSpan.FromDays(3), Count, patience.Token);
        // For the budget: of the days before today, and of today.
        var today = new DateTimeOffset(DateTime.UtcNow.Date, TimeSpan.Zero);
        await SeedAsync(database, user, org, today.AddDays(-4), TimeSpan.FromDays(4), 40, patience.Token);
        await SeedAsync(database, user, org, today, DateTimeOffset.UtcNow - today, 20, patience.Token);

        var mine = await ReadCallsAsync(database, "user_id", user, Start, Start.AddDays(3), patience.Token);
        var ours = await ReadCallsAsync(database, "org_id", org, Start, Start.AddDays(3), patience.Token);
        Assert.Equal((80, Count), (mine.Count, ours.Count));
        Assert.Contains(ours, call => call.Cost is null);
        Assert.Contains(ours, call => call.Cost > 0);
        var all = await ReadCallsAsync(database, "org_id", org, Start, DateTimeOffset.MaxValue, patience.Token);
        await CompareAsync(page, $"/usage?{Time}", mine, Days);
        await CompareBudgetAsync(page, all);
        await CompareAsync(page, $"/organisation/usage?{Time}", ours, Days);
        await CompareBudgetAsync(page, all);
        await CompareStoryAsync(page, database, mine, patience.Token);

        await using var operators = await browser.NewContextAsync(stack);
        var operatorsPage = await operators.OpenChatAsync("operator");
        await CompareAsync(operatorsPage, $"/operator/usage?{Time}&org={org}", ours, Days);
        await CompareBudgetAsync(operatorsPage, all);
    }

    /// <summary>Days that begin at 18:30 and 11:15 UTC, one of 25 hours, hours instead of days, weeks; each for a person of the plan without an admin's rights or prices to set.</summary>
    [Theory]
    [InlineData("Asia/Kolkata", "2026-09-02", "2026-09-04")]
    [InlineData("Pacific/Chatham", "2026-09-01", "2026-09-04")]
    [InlineData("America/New_York", "2026-10-30", "2026-11-03")]
    [InlineData("Europe/Berlin", "2026-10-25", "2026-10-26")]
    [InlineData("Asia/Kathmandu", "2026-06-10", "2026-10-28")]
    public async Task every_number_is_that_of_the_ledger_in_other_zones_and_times(string zone, string from, string to)
    {
        using var patience = BrowserSteps.Patience();
        await using var database = await stack.OpenDatabaseAsync(patience.Token);
        await using var context = await browser.NewContextAsync(stack);
        var mail = BrowserSteps.NewMail();
        var page = await context.RegisterAsync("/register", mail, "Navigators");
        var (user, org) = await FindAsync(database, mail, patience.Token);
        await SeedAsync(database, user, org, from.StartsWith("2026-09", StringComparison.Ordinal) ? Start : Start.AddDays(52), TimeSpan.FromDays(12), Count, patience.Token);
        var clock = TimeZoneInfo.FindSystemTimeZoneById(zone);
        var (first, end) = (MidnightOf(from, clock), MidnightOf(to, clock));
        var calls = await ReadCallsAsync(database, "user_id", user, first, end, patience.Token);
        Assert.NotEmpty(calls);

        var days = (int)(end - first).TotalDays;
        var buckets = days > 92 ? "week" : days > 2 ? "day" : "hour";
        foreach (var call in calls)
        {
            var local = TimeZoneInfo.ConvertTime(call.CreatedAt, clock);
            call.Day = buckets switch
            {
                "week" => UsageDay(local.AddDays(-(((int)local.DayOfWeek + 6) % 7))),
                "day" => UsageDay(local),
                _ => new DateTimeOffset(local.Year, local.Month, local.Day, local.Hour, 0, 0, local.Offset).ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture),
            };
        }

        await CompareAsync(page, $"/usage?from={from}&to={to}&zone={Uri.EscapeDataString(zone)}", calls, null);

        static string UsageDay(DateTimeOffset time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

        static DateTimeOffset MidnightOf(string day, TimeZoneInfo clock)
        {
            var start = DateTime.Parse(day, CultureInfo.InvariantCulture);
            return new DateTimeOffset(start, clock.GetUtcOffset(start));
        }
    }

    [Fact]
    public async Task a_member_sees_their_own_usage_and_of_all_other_pages_no_number()
    {
        await using var context = await browser.NewContextAsync(stack);
        var page = await context.OpenChatAsync("basic");
        await page.ChatAsync("");
        await page.GotoAsync("/usage?range=7d");
        await page.GetByTestId("usage-report").WaitForAsync();
        await page.GetByTestId("budget").WaitForAsync();

        foreach (var address in (string[])["/organisation/usage", "/operator/usage", "/usage/calls?scope=organisation", "/usage/calls?scope=all", "/operator/prices", "/operator/reconciliation"])
        {
            await page.GotoAsync(address);
            await page.GetByTestId("page-problem").WaitForAsync();
            Assert.Empty(await page.FiguresAsync());
        }
    }

    /// <summary>Compares each number of a page with the calls.</summary>
    /// <param name="days">All that the table has, each of which every priced model was used in; null when some were not.</param>
    private static async Task CompareAsync(IPage page, string address, IReadOnlyList<Call> calls, string[]? days)
    {
        await page.GotoAsync(address);
        await page.Locator("[data-testid=usage-latency], [data-testid=usage-report]:has(#cost)").First.WaitForAsync();
        await CompareShownAsync(page, address, calls, days);
    }

    private static async Task CompareShownAsync(IPage page, string address, IReadOnlyList<Call> calls, string[]? days)
    {
        var figures = await page.FiguresAsync();
        string[] models = [.. calls.Select(call => call.Model).Distinct().Order(StringComparer.Ordinal)];
        if (days is not null)
        {
            Assert.Equal(
                from part in new[] { "cost", "tokens" } from day in days from name in models.Append("all") where (part, name) != ("cost", Unpriced) select (part, day, name),
                figures.Where(figure => figure.Table == "usage-table").Select(figure => (figure.Part, figure.Key, figure.Name))
                    .OrderBy(one => one.Part, StringComparer.Ordinal).ThenBy(one => one.Key, StringComparer.Ordinal).ThenBy(one => one.Name == "all").ThenBy(one => one.Name, StringComparer.Ordinal));
        }

        Assert.Equal(calls.Sum(call => call.Tokens), figures.Where(figure => figure is { Table: "usage-table", Part: "tokens", Name: not "all" }).Sum(figure => figure.Number));
        Assert.Equal(
            models.Append("all").Order(StringComparer.Ordinal),
            figures.Where(figure => figure is { Table: "usage-shares", Part: "model", Name: "tokenShare" or "calls" }).Select(figure => figure.Key).Distinct().Order(StringComparer.Ordinal));
        await CompareChartsAsync(page, figures);
        await page.CheckRowsAsync("[data-testid=usage-shares][data-by=model] tbody tr[data-key], [data-testid=usage-latency] tbody tr[data-key]", "row.dataset.key");
        if (calls.Count(call => call.IsUnpriced) is > 0 and var unpriced)
        {
            Assert.StartsWith($"{unpriced} calls have no price", await page.Locator("[data-testid=usage-chart][data-chart=cost] .hint").InnerTextAsync(), StringComparison.Ordinal);
        }

        // What has no price costs no zero, where it was used.
        Assert.DoesNotContain(figures, figure => figure is { Key: Unpriced, Name: "costUsd" or "costShare" }
            || (figure is { Name: Unpriced, Part: "cost" } && calls.Any(call => call.Model == Unpriced && call.Day == figure.Key && call.Tokens > 0)));
        Assert.Equal(models.Contains(Unpriced), figures.Any(figure => figure.Key == Unpriced && figure.Name == "totalTokens"));
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
                    "outputTokensPerSecondP50" => (Percentile(timed.Select(call => call.Completion * 1000m / (call.DurationMs - call.TtftMs)), 0.5m), 1e-6m),
                    _ => throw new InvalidOperationException($"What is {figure}?"),
                };
            case "budget":
                // Of another time: CompareBudgetAsync.
                return (figure.Number, 0);
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
    private static async Task CompareStoryAsync(IPage page, NpgsqlConnection database, IReadOnlyList<Call> calls, CancellationToken cancellationToken)
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
        Assert.Equal(
            calls.SelectMany(call => new (string, string, decimal?)[]
            {
                ($"{call.Id}", "promptTokens", call.Prompt), ($"{call.Id}", "completionTokens", call.Completion), ($"{call.Id}", "costUsd", call.Cost),
                ($"{call.Id}", "ttftMs", call.TtftMs), ($"{call.Id}", "durationMs", call.DurationMs),
            }).Where(one => one is not { Item2: "costUsd", Item3: null }).Order(),
            (await page.FiguresAsync()).Where(figure => figure.Table == "calls").Select(figure => (figure.Row, figure.Name, figure.Number)).Order());

        var chosen = calls.First(call => call.Cost > 0 && call.Reasoning > 0);
        await page.Locator($"tr[data-call-id='{chosen.Id}'] a").First.ClickAsync();
        await page.Locator($"[data-testid=call-story][data-call-id='{chosen.Id}']").WaitForAsync();
        var story = await page.FiguresAsync();
        await page.CheckTimesAsync("UTC");
        Assert.Equal([("durationMs", chosen.DurationMs), ("ttftMs", chosen.TtftMs)],
            story.Where(figure => figure.Table == "call-story").Select(figure => (figure.Name, (int?)figure.Number)).Order());
        var classes = await database.ReadAsync(
            """
            SELECT class, tokens, usd
            FROM ledger.llm_usage AS call JOIN ledger.price_periods() AS price ON price.provider = call.provider AND price.model = served_model AND valid_from <= created_at AND created_at < valid_to
                CROSS JOIN LATERAL (VALUES
                    ('input', prompt_tokens - cached_prompt_tokens, input), ('cached_input', cached_prompt_tokens, coalesce(cached_input, input)),
                    ('output', completion_tokens - reasoning_tokens, output), ('reasoning', reasoning_tokens, coalesce(reasoning, output))) AS priced (class, tokens, usd)
            WHERE id = $1 AND tokens > 0
            """,
            cancellationToken, chosen.Id);
        Assert.Equal(
            classes.SelectMany(one => new[] { ((string)one[0]!, "tokens", (decimal)(long)one[1]!), ((string)one[0]!, "costUsd", (long)one[1]! * (decimal)one[2]! / 1_000_000) })
                .Concat([("all", "tokens", chosen.Tokens), ("all", "costUsd", chosen.Cost!.Value)]).Order(),
            story.Where(figure => figure is { Table: "call-costs" } and not { Number: 0, Name: "tokens" or "costUsd" }).Select(figure => (figure.Key, figure.Name, figure.Number!.Value)).Order());
        var prices = await page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('[data-testid=call-costs] tbody tr')].map(row => row.dataset.key + ' ' + parseFloat(row.cells[2].innerText.replace('$', '').replace(',', '')))");
        Assert.Subset(prices.ToHashSet(), classes.Select(one => $"{one[0]} {((decimal)one[2]!).ToString("0.############", CultureInfo.InvariantCulture)}").ToHashSet());

        await page.GotoAsync($"/usage?{Time}");
        var file = await page.RunAndWaitForDownloadAsync(() => page.GetByTestId("export-json").ClickAsync());
        var lines = await File.ReadAllLinesAsync(await file.PathAsync(), cancellationToken);
        Assert.Equal(
            calls.Select(call => (call.Id, call.Cost)).Order(),
            lines.Select(line => JsonElement.Parse(line)).Select(line => (
                line.GetProperty("id").GetGuid(), line.GetProperty("costUsd") is { ValueKind: JsonValueKind.Number } cost ? cost.GetDecimal() : (decimal?)null)).Order());
    }

    private static decimal? Percentile(IEnumerable<int?> values, decimal part) => Percentile(values.Select(value => (decimal?)value), part);

    private static decimal? Percentile(IEnumerable<decimal?> values, decimal part)
    {
        var sorted = values.OfType<decimal>().Order().ToList();
        if (sorted.Count == 0)
        {
            return null;
        }

        var place = part * (sorted.Count - 1);
        var below = (int)place;
        return below + 1 < sorted.Count ? sorted[below] + ((sorted[below + 1] - sorted[below]) * (place - below)) : sorted[below];
    }

    /// <summary>Each bar says the number of the table beside it and is as high by the axis; each bar of a share is as long as its share.</summary>
    private static async Task CompareChartsAsync(IPage page, IReadOnlyList<ShownFigure> figures)
    {
        var bars = JsonSerializer.Deserialize<Bar[]>(
            await page.EvaluateAsync<string>("""
                () => JSON.stringify([...document.querySelectorAll('section[data-testid=usage-chart]')].flatMap(chart => {
                    const rows = [...chart.querySelectorAll('tbody tr')].reverse();
                    const top = [...chart.querySelectorAll('.tick')].at(-1);
                    return [...chart.querySelectorAll('.bar-slot')].flatMap((slot, i) => [...slot.querySelectorAll('a')].map(bar => ({
                        chart: chart.dataset.chart, key: rows[i].dataset.key, label: rows[i].querySelector('th').innerText, title: bar.title,
                        height: parseFloat(bar.style.height), top: top.innerText, topAt: parseFloat(top.style.bottom) })));
                }))
                """),
            JsonSerializerOptions.Web)!;
        var numbers = figures.Where(figure => figure is { Table: "usage-table", Name: not "all", Number: > 0 }).ToList();
        Assert.Equal(
            numbers.Select(figure => $"{figure.Part} {figure.Key} {figure.Name}: {figure.Text}{(figure.Part == "tokens" ? " tokens" : "")}").Order(StringComparer.Ordinal),
            bars.Select(bar => $"{bar.Chart} {bar.Key} {bar.Title.Replace($"{bar.Label}, ", "", StringComparison.Ordinal)}").Order(StringComparer.Ordinal));
        foreach (var bar in bars)
        {
            var number = numbers.Single(figure => figure.Part == bar.Chart && figure.Key == bar.Key && bar.Title.StartsWith($"{bar.Label}, {figure.Name}: ", StringComparison.Ordinal)).Number!.Value;
            var top = OnAxis(bar.Top);
            Assert.True(Math.Abs((number / top * 100) - bar.Height) < 0.001m && bar.TopAt == 100, $"{bar} should show {number} of {top}");
        }

        // The axis is even, and names of series stand as often as they should.
        var marks = await page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('.plot')].flatMap(plot => { const ticks = [...plot.querySelectorAll('.tick')]; return ticks.map(tick => [tick.innerText, parseFloat(tick.style.bottom), ticks.at(-1).innerText].join('|')); })");
        Assert.All(marks.Select(mark => mark.Split('|')), mark => Assert.True(Math.Abs(OnAxis(mark[0]) - (OnAxis(mark[2]) * decimal.Parse(mark[1], CultureInfo.InvariantCulture) / 100)) <= OnAxis(mark[2]) / 1000, string.Join(' ', mark)));
        Assert.Equal(
            "true",
            await page.EvaluateAsync<string>("""
                () => String([...document.querySelectorAll('section[data-testid=usage-chart]')].every(chart => {
                    const names = [...chart.querySelectorAll('thead th')].slice(2).map(head => head.innerText);
                    const legend = [...chart.querySelectorAll('.legend li')].map(item => item.innerText.trim());
                    const rows = [...chart.querySelectorAll('tbody tr')].reverse();
                    const labels = [...chart.querySelectorAll('.labels span')].map(label => label.textContent);
                    const figures = rows[0] ? [...rows[0].querySelectorAll('td')].slice(1).map(cell => cell.querySelector('data')?.dataset.figure) : [];
                    return JSON.stringify(names) === JSON.stringify(legend) && figures.every((name, i) => name === undefined || name === names[i])
                        && labels.length === rows.length && labels.every((label, i) => rows[i].querySelector('th').innerText.includes(label));
                }))
                """));
        // Of the slowest.
        var ranges = await page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('[data-testid=usage-latency] tbody tr')].flatMap(row => ['ttft', 'duration'].flatMap((name, i) => ['P50', 'P95'].map(part => [
                name, row.querySelector(`[data-figure=${name}${part}Ms]`).getAttribute('value') || 0,
                parseFloat(row.querySelectorAll('.range')[i].querySelector(`.range-${part.toLowerCase()}`).style.width), part].join('|'))))
            """);
        foreach (var of in ranges.Select(range => range.Split('|')).GroupBy(range => range[0]))
        {
            var slowest = of.Where(range => range[3] == "P95").Max(range => decimal.Parse(range[1], NumberStyles.Float, CultureInfo.InvariantCulture));
            Assert.All(of, range => Assert.True(Math.Abs((decimal.Parse(range[1], NumberStyles.Float, CultureInfo.InvariantCulture) / slowest * 100) - decimal.Parse(range[2], CultureInfo.InvariantCulture)) < 0.01m, string.Join(' ', range)));
        }

        var shares = await page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('.share')].map(share => parseFloat(share.querySelector('i').style.width) + ' ' + (share.querySelector('data').getAttribute('value') || 0))");
        Assert.NotEmpty(shares);
        Assert.All(shares, share => Assert.True(Math.Abs(decimal.Parse(share.Split(' ')[0], CultureInfo.InvariantCulture) - (decimal.Parse(share.Split(' ')[1], NumberStyles.Float, CultureInfo.InvariantCulture) * 100)) < 0.01m, share));
    }

    private static decimal OnAxis(string text) => decimal.Parse(text.Trim('$', 'B', 'M', 'k'), NumberStyles.Number, CultureInfo.InvariantCulture)
        * (text[^1] switch { 'B' => 1e9m, 'M' => 1e6m, 'k' => 1e3m, _ => 1m });

    /// <summary>What was used this month, and the mean of the last seven whole days for what is left of it.</summary>
    private static async Task CompareBudgetAsync(IPage page, IReadOnlyList<Call> calls)
    {
        var figures = (await page.FiguresAsync()).Where(figure => figure.Table == "budget").ToDictionary(figure => figure.Name, figure => figure.Number!.Value);
        var now = DateTimeOffset.UtcNow;
        var (today, month) = (new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero), new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero));
        var used = calls.Where(call => call.CreatedAt >= month).ToList();
        var basis = calls.Where(call => call.CreatedAt >= today.AddDays(-7) && call.CreatedAt < today).ToList();
        var left = (decimal)(month.AddMonths(1) - now).TotalDays;
        Assert.NotEmpty(basis);
        Dictionary<string, decimal> expected = new()
        {
            ["usedTokens"] = used.Sum(call => call.Tokens),
            ["costUsd"] = used.Sum(call => call.Cost ?? 0),
            ["reservedTokens"] = 0,
            ["limitTokens"] = 2_000_000,
            ["leftTokens"] = Math.Max(0, 2_000_000 - used.Sum(call => call.Tokens)),
            ["forecastTokens"] = used.Sum(call => call.Tokens) + (basis.Sum(call => call.Tokens) / 7m * left),
            ["forecastCostUsd"] = used.Sum(call => call.Cost ?? 0) + (basis.Sum(call => call.Cost ?? 0) / 7m * left),
            ["unpricedCalls"] = used.Count(call => call.IsUnpriced),
        };
        Assert.Equal(expected.Keys.Order(), figures.Keys.Order());
        var words = await page.GetByTestId("budget").InnerTextAsync();
        Assert.Contains(now.ToString("'Budget of 'MMMM yyyy", CultureInfo.InvariantCulture), words, StringComparison.Ordinal);
        Assert.Contains(today.AddDays(-7).ToString("'since 'd MMM", CultureInfo.InvariantCulture), words, StringComparison.Ordinal);
        Assert.Contains(month.AddMonths(1).ToString("'anew from 'd MMM yyyy HH:mm", CultureInfo.InvariantCulture), words, StringComparison.Ordinal);
        foreach (var (name, value) in expected)
        {
            // The page is a few minutes old at most.
            var most = name.StartsWith("forecast", StringComparison.Ordinal) ? (name == "forecastTokens" ? basis.Sum(call => call.Tokens) : basis.Sum(call => call.Cost ?? 0)) / 7m / 288 : 0;
            Assert.True(Math.Abs(figures[name] - value) <= most, $"{name} is {figures[name]}, should be {value}");
        }
    }

    private static async Task<(Guid User, Guid Org)> FindAsync(NpgsqlConnection database, string mail, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT id, organisation_id FROM tenant.account WHERE email = $1", database) { Parameters = { new() { Value = mail } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        Assert.True(await reader.ReadAsync(cancellationToken));
        return (reader.GetGuid(0), reader.GetGuid(1));
    }

    /// <summary>Puts calls into the inbox, as an Api does, and waits until the worker has ingested them.</summary>
    private static async Task SeedAsync(NpgsqlConnection database, Guid user, Guid org, DateTimeOffset from, TimeSpan time, int count, CancellationToken cancellationToken)
    {
        var random = new Random(5);
        List<(string Provider, string Model)> models = [];
        await using (var prices = new NpgsqlCommand(
            // mistral's are those of invoices, in ReconciliationTests.
            "SELECT provider, model FROM ledger.price_periods() WHERE input > 0 AND output > 0 AND valid_to = 'infinity' AND provider <> 'mistral' ORDER BY 1, 2 LIMIT 3", database))
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
        var calls = Enumerable.Range(0, count).Select(index =>
        {
            var model = random.Next(models.Count);
            var isFailure = random.Next(12) == 0;
            return (
                Id: Guid.CreateVersion7(from + (time * random.NextDouble())), User: index * 3 < count * 2 ? user : colleague, Alias: $"model-{model}", models[model].Provider, models[model].Model,
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
        await database.WaitForAsync("SELECT count(*) = $2 FROM ledger.llm_usage WHERE id = ANY ($1)", cancellationToken, calls.Select(call => call.Id).ToArray(), (long)count);

        void Add<T>(Func<(Guid Id, Guid User, string Alias, string Provider, string Model, long Prompt, long Completion, string Source, string Outcome, int Ttft, int Duration), T> value, NpgsqlDbType type) =>
            insert.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = [.. calls.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    private static async Task<List<Call>> ReadCallsAsync(
        NpgsqlConnection database, string whose, Guid id, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT
                id, user_id::text, org_id::text, model_alias, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), prompt_tokens, completion_tokens,
                coalesce(cached_prompt_tokens, 0), coalesce(reasoning_tokens, 0), source, outcome, ttft_ms, duration_ms, cost_usd, unpriced, created_at
            FROM ledger.call_cost(NULL, 'infinity') WHERE {whose} = $1 AND created_at >= $2 AND created_at < $3
            """,
            database)
        { Parameters = { new() { Value = id }, new() { Value = from.ToUniversalTime() }, new() { Value = to.ToUniversalTime() } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<Call> calls = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            calls.Add(new Call(
                reader.GetGuid(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetString(4), reader.GetInt64(5), reader.GetInt64(6),
                reader.GetInt64(7), reader.GetInt64(8), reader.GetString(9), reader.GetString(10), reader.GetInt32(11), reader.GetInt32(12),
                await reader.IsDBNullAsync(13, cancellationToken) ? null : reader.GetDecimal(13), reader.GetBoolean(14), await reader.GetFieldValueAsync<DateTimeOffset>(15, cancellationToken)));
        }

        return calls;
    }

    /// <param name="Top">The highest number on the axis, and <paramref name="TopAt"/> where it stands, in per cent as <paramref name="Height"/>.</param>
    private sealed record Bar(string Chart, string Key, string Label, string Title, decimal Height, string Top, decimal TopAt);

    private sealed record Call(
        Guid Id, string User, string Org, string Model, string Day, long Prompt, long Completion, long Cached, long Reasoning, string Source, string Outcome,
        int? TtftMs, int? DurationMs, decimal? Cost, bool IsUnpriced, DateTimeOffset CreatedAt)
    {
        /// <summary>The row of the table that it belongs to.</summary>
        public string Day { get; set; } = Day;

        public long Tokens => Prompt + Completion;
    }
}
