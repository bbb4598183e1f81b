using LlmAspire.Web.Reports;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Web.Tests.Reports;

public sealed class UsageCallsPageTests
{
    private static readonly Guid First = new("0195f000-0000-7000-8000-000000000001");

    [Fact]
    public async Task more_is_shown_from_where_the_page_ended_and_as_of_the_same_time()
    {
        await using var test = await OpenAsync("/usage/calls?scope=all&model=chat-default");
        test.UntilThere(TestIds.Calls);
        Assert.Equal(2, test.FindAll(TestIds.Call).Count);

        await test.ClickAsync(TestIds.LoadMore);

        test.Until(() => Assert.Equal(3, test.FindAll(TestIds.Call).Count));
        Assert.Empty(test.FindAll(TestIds.LoadMore));
        Assert.Equal(
            [
                "GET /usage/calls?scope=all&from=2026-10-25&to=2026-11-24&zone=Europe/Berlin&model=chat-default",
                $"GET /usage/calls?scope=all&from=2026-10-25&to=2026-11-24&zone=Europe/Berlin&asOf={ReportContext.Pin}&model=chat-default&cursor=after-2",
            ],
            test.AskedFor("/usage/calls"));
    }

    [Fact]
    public async Task a_call_without_a_price_costs_no_zero()
    {
        await using var test = await OpenAsync("/usage/calls");
        test.UntilThere(TestIds.Calls);

        var second = test.FindAll(TestIds.Call)[1];
        Assert.Contains("unpriced", second.TextContent);
        Assert.Contains("estimated", second.TextContent);
        Assert.Null(second.QuerySelector("[data-figure=costUsd]"));
        Assert.Equal("", second.QuerySelector("[data-figure=completionTokens]")?.GetAttribute("value"));
    }

    [Fact]
    public async Task a_members_calls_name_no_user_and_an_operators_name_the_organisation()
    {
        await using var mine = await OpenAsync("/usage/calls");
        mine.UntilThere(TestIds.Calls);
        Assert.DoesNotContain("ana@acme.example", mine.Find(TestIds.Calls).TextContent);

        await using var all = await OpenAsync("/usage/calls?scope=all");
        all.UntilThere(TestIds.Calls);
        Assert.Contains("ana@acme.example", all.Find(TestIds.Calls).TextContent);
    }

    [Fact]
    public async Task a_call_has_an_address_and_tells_its_story()
    {
        await using var test = await OpenAsync($"/usage/calls/{First}?scope=all", First);
        test.UntilThere(TestIds.CallStory);
        test.UntilThere(TestIds.Calls);

        Assert.Equal("0.0000606", test.ValueOf(TestIds.CallCosts, "costUsd", "tr[data-key=input]"));
        Assert.Equal("404", test.ValueOf(TestIds.CallCosts, "tokens", "tr[data-key=input]"));
        Assert.Equal("0.0001206", test.ValueOf(TestIds.CallCosts, "costUsd", "tr[data-key=all]"));
        Assert.Equal("https://traces.example/traces/detail/4bf92f3577b34da6a3ce929d0e0e4736", test.Find(TestIds.TraceLink).GetAttribute("href"));
        Assert.Contains("\"prompt_tokens\": 1204", test.Find(TestIds.RawUsage).TextContent);
        Assert.Contains("2, fallbacks 1", test.Find(TestIds.CallStory).TextContent);
        Assert.Contains("/usage/calls/0195f000-0000-7000-8000-000000000002?scope=all", test.Find(TestIds.SameRequest, "a").GetAttribute("href"));
        Assert.StartsWith("/usage/calls?scope=all", test.Find(TestIds.ClosePanel).GetAttribute("href"), StringComparison.Ordinal);
        Assert.NotNull(test.FindAll(TestIds.Call)[0].GetAttribute("data-current"));
    }

    [Fact]
    public async Task a_call_shows_which_of_its_cache_writes_are_kept_for_an_hour()
    {
        await using var test = await OpenAsync($"/usage/calls/{First}", First);
        test.UntilThere(TestIds.CallStory);

        Assert.Equal("800", test.ValueOf(TestIds.CallCosts, "tokens", "tr[data-key=cache_write]"));
        Assert.Equal("300", test.ValueOf(TestIds.CallCosts, "cacheWrite1hTokens", "tr[data-key=cache_write]"));
        Assert.Null(test.Find(TestIds.CallCosts).QuerySelector("tr[data-key=input] [data-figure=cacheWrite1hTokens]"));
    }

    [Fact]
    public async Task a_call_that_may_not_be_seen_is_said_beside_the_list()
    {
        await using var test = await OpenAsync($"/usage/calls/{Guid.Empty}", Guid.Empty);

        test.Until(() => Assert.Contains("As the Api says it.", test.Find(TestIds.PanelProblem).TextContent));
        test.Until(() => Assert.Equal(2, test.FindAll(TestIds.Call).Count));
    }

    [Fact]
    public async Task no_calls_are_said()
    {
        await using var test = await OpenAsync("/usage/calls", answers: answers => answers["/usage/calls"] = _ => new { asOf = ReportContext.Pin, calls = Array.Empty<object>(), next = (string?)null });

        test.Until(() => Assert.Contains("There are no calls in this time.", test.Find(TestIds.UsageEmpty).TextContent));
    }

    [Fact]
    public async Task a_scope_that_there_is_not_is_the_persons_own()
    {
        await using var test = await OpenAsync("/usage/calls?scope=everything");
        test.UntilThere(TestIds.Calls);

        Assert.StartsWith("GET /usage/calls?scope=me&", test.AskedFor("/usage/calls")[0], StringComparison.Ordinal);
    }

    private static Task<ReportContext> OpenAsync(string address, Guid? call = null, Action<Dictionary<string, Func<HttpRequest, object>>>? answers = null)
    {
        Dictionary<string, Func<HttpRequest, object>> all = new()
        {
            ["/usage/calls"] = request => request.Query["cursor"] == "after-2"
                ? Page([Call(3)], null)
                : Page([Call(1), Call(2, source: "estimated", unpriced: true)], "after-2"),
            [$"/usage/calls/{First}"] = _ => Story(),
            [$"/usage/calls/{Guid.Empty}"] = _ => ReportContext.Problem(404, "call_unknown"),
        };
        answers?.Invoke(all);
        return ReportContext.OpenAsync<UsageCallsPage>(address, all, call);
    }

    private static object Page(object[] calls, string? next) =>
        new { asOf = ReportContext.Pin, calls, next, names = new Dictionary<string, string> { ["0195f000-0000-7000-8000-0000000000c8"] = "ana@acme.example" } };

    private static Guid Id(int number) => new($"0195f000-0000-7000-8000-{number:x12}");

    private static object Call(int number, string source = "provider", bool unpriced = false) => new
    {
        id = Id(number),
        createdAt = "2026-11-23T19:10:00Z",
        recordedAt = "2026-11-23T19:10:03Z",
        userId = Id(200),
        orgId = Id(100),
        operation = "chat",
        model = "chat-default",
        provider = "openai",
        servedModel = "gpt-4.1-mini",
        promptTokens = 1204,
        completionTokens = unpriced ? (int?)null : 220,
        source,
        outcome = "completed",
        attempts = 2,
        fallbacks = 1,
        ttftMs = 312.4,
        durationMs = 4211,
        costUsd = unpriced ? (decimal?)null : 0.0001206m,
        unpriced,
    };

    private static object Story() => new
    {
        id = First,
        createdAt = "2026-11-23T19:10:00Z",
        recordedAt = "2026-11-23T19:10:03Z",
        traceId = "4bf92f3577b34da6a3ce929d0e0e4736",
        operation = "chat",
        model = "chat-default",
        provider = "openai",
        servedModel = "gpt-4.1-mini",
        promptTokens = 1204,
        completionTokens = 220,
        source = "provider",
        outcome = "completed",
        attempts = 2,
        fallbacks = 1,
        costUsd = 0.0001206m,
        unpriced = false,
        rawUsage = new { prompt_tokens = 1204 },
        prices = new { input = 0.15m, validFrom = "2026-10-01T00:00:00Z", revision = 12 },
        cacheWriteTokens = 800,
        cacheWrite1hTokens = 300,
        costByClass = new[]
        {
            new { tokenClass = "input", tokens = 404, usdPerMillion = 0.15m, costUsd = 0.0000606m },
            new { tokenClass = "cache_write", tokens = 800, usdPerMillion = 0.2m, costUsd = 0.00016m },
        },
        sameRequest = new[] { Call(2) },
        traceUrl = "https://traces.example/traces/detail/4bf92f3577b34da6a3ce929d0e0e4736",
    };
}
