using System.Net;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>LiteLLM's spend logs, as it has them with a database, and what it says without one.</summary>
public class SpendLogsTests(GatewayFixture gateway, SpendLogsTests.WithoutDatabase poor) : IClassFixture<GatewayFixture>, IClassFixture<SpendLogsTests.WithoutDatabase>
{
    private static readonly string Always = "start_date=2000-01-01&end_date=2999-12-31";

    private readonly string _id = Guid.CreateVersion7().ToString();

    [Fact]
    public async Task a_call_has_a_log_in_the_proxys_shape()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(GatewayFixture.Ask("hi", with: new { user = "ana" })),
        };
        request.Headers.Add("x-litellm-call-id", _id);
        request.Headers.Add("x-litellm-spend-logs-metadata", """{"call":"7"}""");
        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        var served = await gateway.ServedAsync(_id);

        var page = await PageAsync($"{Always}&request_id={_id}");

        Assert.Equal((1, 1, 50, 1, false), ((int)page["total"]!, (int)page["page"]!, (int)page["page_size"]!, (int)page["total_pages"]!, (bool)page["total_is_capped"]!));
        var log = Assert.Single(page["data"]!.AsArray())!.AsObject();
        Assert.Equal(
            [
                "api_base", "api_key", "cache_hit", "cache_key", "call_type", "completionStartTime", "completion_tokens", "custom_llm_provider", "endTime", "end_user",
                "metadata", "model", "model_group", "model_id", "prompt_tokens", "request_duration_ms", "request_id", "request_tags", "spend", "startTime", "status",
                "total_tokens", "user",
            ],
            log.Select(member => member.Key).Order(StringComparer.Ordinal));
        var (prompt, completion) = ((int)answer["usage"]!["prompt_tokens"]!, (int)answer["usage"]!["completion_tokens"]!);
        Assert.Equal((prompt, completion, prompt + completion), ((int)log["prompt_tokens"]!, (int)log["completion_tokens"]!, (int)log["total_tokens"]!));
        Assert.Equal((_id, "acompletion", "ana", "success"), ((string?)log["request_id"], (string?)log["call_type"], (string?)log["end_user"], (string?)log["status"]));
        Assert.Equal(("openai/gpt-6-luna", "openai", "chat-default"), ((string?)log["model"], (string?)log["custom_llm_provider"], (string?)log["model_group"]));
        Assert.Equal((string?)served["model_id"], (string?)log["model_id"]);
        Assert.Equal(64, ((string)log["api_key"]!).Length);
        Assert.Equal("7", (string?)log["metadata"]!["spend_logs_metadata"]!["call"]);
        Assert.Equal(prompt * 2.5e-07 + completion * 2e-06, (double)log["spend"]!, precision: 12);
        Assert.Equal(DateTimeOffset.Parse((string)served["accepted_at"]!, null), DateTimeOffset.Parse((string)log["startTime"]!, null));
    }

    [Theory]
    [InlineData("spend=none", null, null)]
    [InlineData("spend=+5; length=20", 25, "success")]
    [InlineData("spend=-5; length=20", 15, "success")]
    [InlineData("spend=-50; length=20", 0, "success")]
    [InlineData("error=0", 0, "failure")]
    public async Task a_log_can_be_lost_or_wrong_and_a_failure_has_no_tokens(string fault, int? completionTokens, string? status)
    {
        using (await gateway.PostAsync(GatewayFixture.Ask("hi"), _id, fault: fault))
        {
        }

        var data = (await PageAsync($"{Always}&request_id={_id}"))["data"]!.AsArray();

        Assert.Equal((completionTokens, status), data is [var log] ? ((int?)log!["completion_tokens"], (string?)log["status"]) : (null, null));
    }

    [Fact]
    public async Task logs_come_by_pages_within_a_time_the_newest_first_or_last()
    {
        // Of its own: others log here too.
        using var own = new GatewayFixture();
        for (var call = 0; call < 5; call++)
        {
            await own.CompleteAsync(GatewayFixture.Ask("hi"), $"call-{call}");
        }

        var newest = await PageAsync($"{Always}&page=1&page_size=2", own);
        var last = await PageAsync($"{Always}&page=3&page_size=2&sort_by=startTime&sort_order=asc", own);

        Assert.Equal(["call-4", "call-3"], Ids(newest));
        Assert.Equal(["call-4"], Ids(last));
        Assert.Equal((5, 3), ((int)newest["total"]!, (int)newest["total_pages"]!));
        Assert.Empty(Ids(await PageAsync($"{Always}&page=4&page_size=2", own)));
        Assert.Empty(Ids(await PageAsync("start_date=2000-01-01 00:00:00&end_date=2000-01-02 00:00:00", own)));
        Assert.Empty(Ids(await PageAsync($"{Always}&status_filter=failure", own)));
    }

    [Theory]
    [InlineData("", HttpStatusCode.BadRequest, "Start date and end date are required")]
    [InlineData("start_date=2026-11-01T00:00:00Z&end_date=2026-11-02", HttpStatusCode.BadRequest, "Invalid date format: 2026-11-01T00:00:00Z. Expected: YYYY-MM-DD or YYYY-MM-DD HH:MM:SS")]
    [InlineData("start_date=2026-11-01&end_date=2026-11-02&page_size=101", HttpStatusCode.UnprocessableEntity, "Input should be a number from 1 to 100")]
    [InlineData("start_date=2026-11-01&end_date=2026-11-02&page=0", HttpStatusCode.UnprocessableEntity, "Input should be a number from 1 to 2147483647")]
    public async Task a_query_that_is_not_understood_is_refused(string query, HttpStatusCode status, string message)
    {
        using var response = await gateway.Client.GetAsync(new Uri($"/spend/logs/v2?{query}", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal(message, (string?)await ErrorAsync(response, "message"));
    }

    [Fact]
    public async Task the_key_is_asked_for()
    {
        using var response = await gateway.Anonymous.GetAsync(new Uri($"/spend/logs/v2?{Always}", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.Unauthorized, "auth_error"), (response.StatusCode, (string?)await ErrorAsync(response, "type")));
    }

    [Fact]
    public async Task without_a_database_there_are_none()
    {
        using var response = await poor.Client.GetAsync(new Uri($"/spend/logs/v2?{Always}", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Equal(
            """{"error":{"message":"Prisma Client is not initialized","type":"internal_error","param":"None","code":"401"}}""",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Contains(
            "\"db\":\"Not connected\"",
            await poor.Client.GetStringAsync(new Uri("/health/readiness", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static IEnumerable<string?> Ids(JsonNode page) => page["data"]!.AsArray().Select(log => (string?)log!["request_id"]);

    private static async Task<JsonNode?> ErrorAsync(HttpResponseMessage response, string member) =>
        JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["error"]![member];

    private async Task<JsonNode> PageAsync(string query, GatewayFixture? from = null) => JsonNode.Parse(
        await (from ?? gateway).Client.GetStringAsync(new Uri($"/spend/logs/v2?{query}", UriKind.Relative), TestContext.Current.CancellationToken))!;

    public class WithoutDatabase() : GatewayFixture([KeyValuePair.Create("Gateway:SpendLogs", "false")]);
}
