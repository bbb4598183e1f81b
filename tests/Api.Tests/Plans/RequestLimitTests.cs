using System.Globalization;
using System.Net;
using System.Text;
using LlmAspire.Api.Tests.Identity;

namespace LlmAspire.Api.Tests.Plans;

public class RequestLimitTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task each_answer_says_what_is_left_and_beyond_the_limit_it_is_429_until_when()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Plans:Pro:RequestsPerMinute"] = "3" } };
        var client = await api.CreateSignedInClientAsync();

        using var first = await client.GetAsync("/llm/models", Token);
        // What is thrown begins with a new answer.
        using var second = await client.PostAsync("/chat", new StringContent("{", Encoding.UTF8, "application/json"), Token);
        using var third = await client.ChatAsync(new { message = "Hi" });
        using var fourth = await client.ChatAsync(new { message = "Hi" });

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        await second.IsProblemAsync(HttpStatusCode.BadRequest, "json_invalid");
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
        Assert.Contains("3 a minute", await fourth.IsProblemAsync(HttpStatusCode.TooManyRequests, "rate_limited"));
        Assert.InRange(fourth.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        Assert.Equal(["3 2 20", "3 1 40", "3 0 60", "3 0 60"], new[] { first, second, third, fourth }.Select(Limits));
        Assert.Single(gateway.Chats);
    }

    [Fact]
    public async Task others_are_not_limited_by_it_nor_is_stopping()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Plans:Pro:RequestsPerMinute"] = "1" } };
        var pro = await api.CreateSignedInClientAsync("pro");
        var rival = await api.CreateSignedInClientAsync("rival");
        gateway.OnChat = Answers.SendAndWait(Answers.Content);
        using var first = await pro.ChatAsync(new { message = "Hi" });
        await using var events = first.ReadEventsAsync().GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());
        using var second = await pro.GetAsync("/llm/models", Token);
        await second.IsProblemAsync(HttpStatusCode.TooManyRequests, "rate_limited");

        using var other = await rival.GetAsync("/llm/models", Token);
        using var stop = await pro.DeleteAsync($"/chat/runs/{events.Current.Data.GetProperty("runId").GetGuid()}", Token);
        using var description = await pro.GetAsync("/openapi/v1.json", Token);

        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, stop.StatusCode);
        Assert.False(description.Headers.Contains("RateLimit-Limit"));
    }

    [Fact]
    public async Task who_is_not_signed_in_is_neither_counted_nor_told()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateReadyClientAsync();

        using var response = await client.GetAsync("/llm/models", Token);

        await response.IsProblemAsync(HttpStatusCode.Unauthorized, "not_signed_in");
        Assert.False(response.Headers.Contains("RateLimit-Limit"));
    }

    private static string Limits(HttpResponseMessage response) => string.Join(' ', new[] { "Limit", "Remaining", "Reset" }
        .Select(name => long.Parse(Assert.Single(response.Headers.GetValues($"RateLimit-{name}")), CultureInfo.InvariantCulture)));
}
