using Bunit;
using LlmAspire.Web.Reports;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Web.Tests.Reports;

public sealed class UsagePageTests
{
    private const string Ana = "0195f000-0000-7000-8000-0000000000c8";

    [Fact]
    public async Task the_sums_are_the_apis_to_the_last_digit()
    {
        await using var test = await OpenAsync<UsagePage>("/usage");
        test.UntilThere(TestIds.UsageTotals);

        Assert.Equal("1300", test.ValueOf(TestIds.UsageTotals, "totalTokens"));
        Assert.Equal("0.000123456789", test.ValueOf(TestIds.UsageTotals, "costUsd"));
        Assert.Equal("0.0625", test.ValueOf(TestIds.UsageSureness, "share", "tr[data-key=estimated]"));
        Assert.Equal("2", test.ValueOf(TestIds.UsageSureness, "calls", "tr[data-key=unpriced]"));
        Assert.Equal(ReportContext.Pin, test.Find(TestIds.AsOf).GetAttribute("data-as-of"));
    }

    [Fact]
    public async Task the_table_beside_a_chart_has_its_numbers_and_the_chart_its_bars()
    {
        await using var test = await OpenAsync<UsagePage>("/usage");
        test.UntilThere(TestIds.UsageTable);

        var day = test.Page.Find("[data-testid=usage-table][data-chart=tokens] tr[data-key='2026-11-23']");
        Assert.Equal(["1200", "1000", "200"], day.QuerySelectorAll("data").Select(figure => figure.GetAttribute("value")));
        Assert.Equal(30, test.Page.FindAll("[data-testid=usage-table][data-chart=tokens] tbody tr").Count);
        var bars = test.Page.FindAll("[data-testid=usage-chart][data-chart=tokens] .bars a");
        Assert.Equal(3, bars.Count); // of (day, model) with tokens
        Assert.Contains("Mon 23 Nov 2026, chat-default: 1,000 tokens", bars.Select(bar => bar.GetAttribute("title")));
    }

    [Fact]
    public async Task a_bar_leads_to_its_calls_with_the_filters_of_the_report()
    {
        await using var test = await OpenAsync<UsagePage>("/usage?operation=chat");
        test.UntilThere(TestIds.UsageTable);

        var bar = test.Page.Find("[data-testid=usage-chart][data-chart=tokens] .bars a[title^='Mon 23 Nov 2026, chat-default']");

        Assert.Equal(
            "/usage/calls?scope=me&from=2026-11-23&to=2026-11-24&zone=Europe/Berlin&operation=chat&model=chat-default",
            Uri.UnescapeDataString(bar.GetAttribute("href")!));
    }

    [Fact]
    public async Task it_asks_in_the_zone_of_the_browser_for_the_last_30_days()
    {
        await using var test = await OpenAsync<UsagePage>("/usage");
        test.UntilThere(TestIds.UsageTable);

        Assert.Contains("GET /usage/summary?scope=me&from=2026-10-25&to=2026-11-24&zone=Europe/Berlin&groupBy=day&groupBy=model", test.Api.Asked);
        Assert.Contains("GET /usage/latency?scope=me&from=2026-10-25&to=2026-11-24&zone=Europe/Berlin&groupBy=model", test.Api.Asked);
        Assert.Contains("GET /usage/budget", test.Api.Asked);
    }

    [Fact]
    public async Task what_the_address_says_is_asked_for()
    {
        await using var test = await OpenAsync<UsagePage>($"/usage?range=7d&zone=Asia/Kolkata&model=chat-default&model=claude-default&source=estimated&asOf={Uri.EscapeDataString(ReportContext.Pin)}");
        test.UntilThere(TestIds.UsageTable);

        Assert.Contains(
            $"GET /usage/summary?scope=me&from=2026-11-18&to=2026-11-25&zone=Asia/Kolkata&asOf={ReportContext.Pin}&model=chat-default&model=claude-default&source=estimated&groupBy=day&groupBy=model",
            test.Api.Asked);
        Assert.Equal(3, test.FindAll(TestIds.UsageFilter).Count);
        Assert.Equal("/usage?range=7d&zone=Asia/Kolkata&model=chat-default&model=claude-default&source=estimated", Uri.UnescapeDataString(test.Find(TestIds.Unpin).GetAttribute("href")!));
    }

    [Fact]
    public async Task the_same_figures_can_be_linked_for_ever()
    {
        await using var test = await OpenAsync<UsagePage>("/usage?range=month&model=chat-default");
        test.UntilThere(TestIds.Pin);

        Assert.Equal(
            $"/usage?from=2026-11-01&to=2026-11-24&zone=Europe/Berlin&asOf={ReportContext.Pin}&model=chat-default",
            Uri.UnescapeDataString(test.Find(TestIds.Pin).GetAttribute("href")!));
    }

    [Fact]
    public async Task another_address_is_another_report()
    {
        await using var test = await OpenAsync<UsagePage>("/usage");
        test.UntilThere(TestIds.UsageTable);

        await test.Page.InvokeAsync(() => test.Navigation.NavigateTo("/usage?range=today"));

        test.Until(() => Assert.Contains("GET /usage/summary?scope=me&from=2026-11-23&to=2026-11-24&zone=Europe/Berlin&groupBy=hour&groupBy=model", test.Api.Asked));
    }

    [Fact]
    public async Task the_export_is_of_what_is_shown()
    {
        await using var test = await OpenAsync<OperatorUsagePage>("/operator/usage?provider=openai");
        test.UntilThere(TestIds.ExportCsv);

        var link = test.Page.Find($"a[data-testid={TestIds.ExportCsv}]");
        Assert.Equal("/usage/export?scope=all&from=2026-10-25&to=2026-11-24&zone=Europe/Berlin&provider=openai&format=csv", Uri.UnescapeDataString(link.GetAttribute("href")!));
        Assert.True(link.HasAttribute("download"));
    }

    [Fact]
    public async Task an_organisation_is_divided_by_user_and_an_installation_by_organisation_too()
    {
        await using var organisation = await OpenAsync<OrganisationUsagePage>("/organisation/usage");
        organisation.UntilThere(TestIds.UsageShares);
        Assert.Equal(["model", "user"], organisation.FindAll(TestIds.UsageShares).Select(table => table.GetAttribute("data-by")));
        Assert.Contains("GET /usage/summary?scope=organisation&from=2026-10-25&to=2026-11-24&zone=Europe/Berlin&groupBy=user", organisation.Api.Asked);
        Assert.Contains("ana@acme.example", organisation.Page.Find($"[data-by=user] tr[data-key='{Ana}'] th").TextContent);
        Assert.Equal("0.75", organisation.Page.Find($"[data-by=user] tr[data-key='{Ana}'] [data-figure=tokenShare]").GetAttribute("value"));

        await using var all = await OpenAsync<OperatorUsagePage>("/operator/usage");
        all.UntilThere(TestIds.UsageShares);
        Assert.Equal(["model", "org", "user"], all.FindAll(TestIds.UsageShares).Select(table => table.GetAttribute("data-by")));
        Assert.Empty(all.AskedFor("/usage/budget")); // of which organisation?
    }

    [Fact]
    public async Task the_operator_sees_the_budget_of_the_one_organisation_that_is_filtered_by()
    {
        await using var test = await OpenAsync<OperatorUsagePage>($"/operator/usage?org={Ana}");
        test.UntilThere(TestIds.Budget);

        Assert.Contains($"GET /usage/budget?org={Ana}", test.Api.Asked);
    }

    [Fact]
    public async Task the_budget_says_what_is_left_and_how_long_it_lasts()
    {
        await using var test = await OpenAsync<UsagePage>("/usage");
        test.UntilThere(TestIds.Budget);

        Assert.Equal("1854580", test.ValueOf(TestIds.Budget, "leftTokens"));
        Assert.Equal("5210400", test.ValueOf(TestIds.Budget, "forecastTokens"));
        Assert.True(test.Find(TestIds.BudgetLasts).HasAttribute("data-warning"));
        Assert.Contains("29 Nov 2026 15:30", test.Find(TestIds.BudgetLasts).TextContent); // 14:30 UTC
    }

    [Fact]
    public async Task a_plan_without_a_limit_has_no_meter()
    {
        await using var test = await OpenAsync<UsagePage>("/usage", answers => answers["/usage/budget"] = _ => new
        {
            month = "2026-11",
            limitTokens = (long?)null,
            usedTokens = 5,
            reservedTokens = 0,
            leftTokens = (long?)null,
            forecastTokens = 9,
            forecastCostUsd = 0.01,
            costUsd = 0.005,
            unpricedCalls = 0,
            resetsAt = "2026-12-01T00:00:00Z",
            likelyExhaustedAt = (string?)null,
            basis = new { sinceDay = (string?)null, days = 0 },
        });
        test.UntilThere(TestIds.Budget);

        Assert.Contains("none", test.Find(TestIds.Budget).TextContent);
        Assert.Empty(test.FindAll(TestIds.BudgetLasts));
        Assert.Empty(test.FindAll(TestIds.Budget, ".meter"));
    }

    [Fact]
    public async Task latency_is_not_asked_for_longer_than_the_api_gives_it()
    {
        await using var test = await OpenAsync<UsagePage>("/usage?range=90d");
        test.UntilThere(TestIds.UsageReport);

        Assert.Empty(test.AskedFor("/usage/latency"));
        Assert.Contains("31 days at most", test.Find(TestIds.UsageReport).TextContent);
    }

    [Fact]
    public async Task nothing_used_is_said()
    {
        await using var test = await OpenAsync<UsagePage>("/usage?model=nobody-used-this", answers => answers["/usage/summary"] = _ => Summary([], totals: new { calls = 0 }));

        test.Until(() => Assert.Contains("with these filters", test.Find(TestIds.UsageEmpty).TextContent));
        Assert.Equal("/usage", test.Find(TestIds.UsageEmpty, "a").GetAttribute("href"));
    }

    [Fact]
    public async Task a_report_that_is_refused_says_why_and_can_be_tried_again()
    {
        var refused = true;
        await using var test = await OpenAsync<UsagePage>("/usage", answers =>
        {
            var good = answers["/usage/summary"];
            answers["/usage/summary"] = request => refused ? ReportContext.Problem(400, "report_invalid", new { zone = new[] { "There is no such zone." } }) : good(request);
        });
        test.Until(() => Assert.Contains("There is no such zone.", test.Find(TestIds.PageProblem).TextContent));

        refused = false;
        await test.ClickAsync(TestIds.PageProblem, "button");

        test.UntilThere(TestIds.UsageTotals);
    }

    [Fact]
    public async Task who_is_no_admin_is_told_so()
    {
        await using var test = await OpenAsync<OrganisationUsagePage>("/organisation/usage", answers => answers["/usage/summary"] = _ => ReportContext.Problem(403, "admin_required"));

        test.Until(() => Assert.Contains("Only an admin", test.Find(TestIds.PageProblem).TextContent));
    }

    [Fact]
    public async Task a_part_that_cannot_be_had_does_not_hide_the_others()
    {
        await using var test = await OpenAsync<UsagePage>("/usage", answers =>
        {
            answers["/usage/latency"] = _ => ReportContext.Problem(503, "unavailable");
            answers["/usage/budget"] = _ => ReportContext.Problem(503, "unavailable");
        });

        test.UntilThere(TestIds.UsageTotals);
        Assert.Contains("The budget cannot be shown.", test.Find(TestIds.UsageReport).TextContent);
    }

    [Fact]
    public async Task many_models_are_a_few_series_and_the_rest_together()
    {
        await using var test = await OpenAsync<UsagePage>("/usage", answers => answers["/usage/summary"] = request => Summary(
            [.. Enumerable.Range(1, 9).Select(i => Row(request.Query["groupBy"].Count == 2 ? ["2026-11-23", $"model-{i}"] : [$"model-{i}"], 100 * i, 0.001m * i))]));
        test.UntilThere(TestIds.UsageTable);

        var day = test.Page.Find("[data-testid=usage-table][data-chart=tokens] tr[data-key='2026-11-23']");
        Assert.Equal("600", day.QuerySelector("[data-figure='3 others']")?.GetAttribute("value")); // 100 + 200 + 300
        Assert.Equal("4500", day.QuerySelector("[data-figure=all]")?.GetAttribute("value"));
        var others = test.Page.Find("[data-chart=tokens] .bars a.series-0").GetAttribute("href");
        Assert.Contains("model=model-3&model=model-2&model=model-1", others);
    }

    [Theory]
    [InlineData(20, 14, "6 others")]
    [InlineData(16, 13, "3 others")]
    [InlineData(7, 7, null)]
    public async Task models_of_which_none_stands_out_are_as_many_series_as_leave_few_tokens_to_the_rest(int models, int own, string? others)
    {
        await using var test = await OpenAsync<UsagePage>("/usage", answers => answers["/usage/summary"] = request => Summary(
            [.. Enumerable.Range(1, models).Select(i => Row(request.Query["groupBy"].Count == 2 ? ["2026-11-23", $"model-{i}"] : [$"model-{i}"], 100, 0.001m))]));
        test.UntilThere(TestIds.UsageTable);

        var legend = test.Page.FindAll("[data-chart=tokens] .legend li").Select(one => one.TextContent.Trim()).ToList();
        Assert.Equal(own, legend.Count(name => name.StartsWith("model-", StringComparison.Ordinal)));
        Assert.Equal(others, legend.Find(name => name.EndsWith("others", StringComparison.Ordinal)));
        Assert.Equal(legend.Count, test.Page.FindAll("[data-chart=tokens] .legend i").Select(one => one.ClassName).Distinct().Count());
    }

    private static Task<ReportContext> OpenAsync<TPage>(string address, Action<Dictionary<string, Func<HttpRequest, object>>>? arrange = null)
        where TPage : Microsoft.AspNetCore.Components.IComponent
    {
        Dictionary<string, Func<HttpRequest, object>> answers = new()
        {
            ["/usage/summary"] = request => Summary(request.Query["groupBy"].ToArray() switch
            {
                ["day" or "hour", "model"] =>
                [
                    Row(["2026-11-22", "chat-default"], 100, 0.0001m), Row(["2026-11-23", "chat-default"], 1000, 0.00002m), Row(["2026-11-23", "claude-default"], 200, 0.000003456789m),
                ],
                ["user"] => [Row([Ana], 975, 0.0001m), Row(["0195f000-0000-7000-8000-0000000000c9"], 325, 0.00002m)],
                ["organisation"] => [Row(["0195f000-0000-7000-8000-000000000064"], 1300, 0.0001m)],
                _ => [Row(["chat-default"], 1100, 0.00012m), Row(["claude-default"], 200, 0.000003456789m)],
            }),
            ["/usage/latency"] = _ => new { rows = new[] { new { key = "chat-default", calls = 12, ttftP50Ms = 320.5, ttftP95Ms = 1200.25, durationP50Ms = 2200, durationP95Ms = 9400, outputTokensPerSecondP50 = 88.4 } } },
            ["/usage/budget"] = _ => new
            {
                month = "2026-11",
                limitTokens = 5000000,
                usedTokens = 3104220,
                reservedTokens = 41200,
                leftTokens = 1854580,
                forecastTokens = 5210400,
                forecastCostUsd = 31.42,
                costUsd = 19.0312,
                unpricedCalls = 12,
                resetsAt = "2026-12-01T00:00:00Z",
                likelyExhaustedAt = "2026-11-29T14:30:00Z",
                basis = new { sinceDay = "2026-11-01", days = 23 },
            },
        };
        arrange?.Invoke(answers);
        return ReportContext.OpenAsync<TPage>(address, answers);
    }

    private static object Row(string[] keys, long tokens, decimal cost) => new { keys, calls = 3, promptTokens = tokens, totalTokens = tokens, costUsd = cost };

    private static object Summary(object[] rows, object? totals = null) => new
    {
        from = "2026-10-25T00:00:00+02:00",
        to = "2026-11-24T00:00:00+01:00",
        zone = "Europe/Berlin",
        scope = "me",
        asOf = ReportContext.Pin,
        computedFrom = "rollups",
        names = new Dictionary<string, string> { [Ana] = "ana@acme.example" },
        rows,
        totals = totals ?? new
        {
            calls = 9,
            promptTokens = 1300,
            totalTokens = 1300,
            costUsd = 0.000123456789m,
            estimatedTokens = 81,
            unpricedCalls = 2,
            estimatedShare = 0.0625m,
            partialShare = 0,
            unpricedShare = 0.2222m,
        },
    };
}
