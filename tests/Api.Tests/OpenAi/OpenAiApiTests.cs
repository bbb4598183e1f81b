using System.Net;
using System.Text;
using System.Text.Json;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>An Api that is quick to say that the model works, and has small limits.</summary>
public sealed class SmallLimits : OpenAiFixture
{
    protected override IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["OpenAi:KeepAlive"] = "00:00:00.050",
        ["OpenAi:MaxBodyBytes"] = "100000",
        ["Plans:Enterprise:RequestsPerMinute"] = "4",
        ["Plans:Enterprise:ConcurrentRuns"] = "1",
    };
}

/// <summary>What the clients do not look at: the bytes and headers of <c>/v1</c>.</summary>
public sealed class OpenAiApiTests(SmallLimits stack) : IClassFixture<SmallLimits>
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_stream_tells_its_usage_only_to_who_asked_and_ends_with_done(bool asked)
    {
        var key = await stack.CreateKeyAsync();

        using var response = await stack.PostAsync(key, Ask("Tell me of rain <<demo length=20>>", asked ? new { include_usage = true } : null));
        var events = await ReadAsync(response);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal(asked ? 1 : 0, events.Count(data => data.Contains("\"usage\"", StringComparison.Ordinal)));
        Assert.Equal(20, events.Count(data => data.Contains("\"content\"", StringComparison.Ordinal)));
        Assert.DoesNotContain(response.Headers, header => header.Key.Contains("litellm", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
            response.Headers.Select(header => header.Key).Where(name => name.StartsWith("x-ratelimit", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        var row = Assert.Single(await stack.RowsAsync(key));
        Assert.Equal(UsageSource.Provider, row.Source);
        Assert.Equal(row.RequestId, Guid.Parse(Assert.Single(response.Headers.GetValues("x-request-id"))));
    }

    [Theory]
    [InlineData("usage=cumulative")]
    [InlineData("usage=repeated")]
    [InlineData("usage=mid")]
    public async Task usage_in_any_place_is_kept_from_who_did_not_ask(string fault)
    {
        var key = await stack.CreateKeyAsync();

        using var response = await stack.PostAsync(key, Ask($"Tell me of rain <<demo length=20 {fault}>>"));
        var events = await ReadAsync(response);

        Assert.Equal("[DONE]", events[^1]);
        Assert.DoesNotContain(events, data => data.Contains("\"usage\"", StringComparison.Ordinal));
        Assert.Equal(20, events.Count(data => data.Contains("\"content\"", StringComparison.Ordinal)));
        await stack.RowsAsync(key);
    }

    [Theory]
    [InlineData(true, "fallback", 1)]
    [InlineData(false, "fallback", 1)]
    [InlineData(true, "fallback-mid=10", 2)]
    public async Task the_answer_names_the_alias_that_was_asked_whoever_served(bool stream, string fault, int rows)
    {
        var key = await stack.CreateKeyAsync();

        using var response = await stack.PostAsync(key, Ask($"Tell me of rain <<demo length=20 {fault}>>", stream: stream));
        List<string> answers = stream ? (await ReadAsync(response))[..^1] : [await response.Content.ReadAsStringAsync(Token)];

        Assert.All(answers, answer => Assert.Equal("chat-default", JsonDocument.Parse(answer).RootElement.GetProperty("model").GetString()));
        await stack.RowsAsync(key, rows);
    }

    [Fact]
    public async Task a_stream_of_a_model_that_says_nothing_is_kept_alive_with_comments()
    {
        var key = await stack.CreateKeyAsync();
        var (first, second) = ($"first-{key.Id:N}", $"second-{key.Id:N}");

        using var response = await stack.PostAsync(key, Ask($"Tell me of rain <<demo length=20 hold={first}@0 hold={second}@10>>"));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Token), Encoding.UTF8);

        // Before the gateway has said a word, and in the middle.
        Assert.StartsWith(":", await reader.ReadLineAsync(Token), StringComparison.Ordinal);
        await stack.Gateway.ReleaseAsync(first);
        var lines = new List<string>();
        do
        {
            lines.Add((await reader.ReadLineAsync(Token))!);
        }
        while (!(lines.Exists(line => line.StartsWith("data:", StringComparison.Ordinal)) && lines[^1].StartsWith(':')));
        await stack.Gateway.ReleaseAsync(second);
        Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync(Token), StringComparison.Ordinal);
        Assert.Equal(UsageSource.Provider, Assert.Single(await stack.RowsAsync(key)).Source);
    }

    [Fact]
    public async Task a_stream_that_has_begun_fails_with_an_event_in_our_words()
    {
        var key = await stack.CreateKeyAsync();
        var hold = $"hold-{key.Id:N}";

        using var broken = await stack.PostAsync(key, Ask("Tell me of rain <<demo length=20 error=10>>"));
        var inTheMiddle = await ReadAsync(broken);
        using var ended = await stack.PostAsync(key, Ask("Tell me of rain <<demo length=20 eof=10>>"));
        var withoutEnd = await ReadAsync(ended);
        using var late = await stack.PostAsync(key, Ask($"Tell me of rain <<demo length=20 hold={hold}@0 error=0>>"));
        await stack.Gateway.ReleaseAsync(hold);
        var afterComments = await ReadAsync(late);

        Assert.Equal("provider_failed", CodeOf(inTheMiddle[^1]));
        Assert.Equal(10, inTheMiddle.Count(data => data.Contains("\"content\"", StringComparison.Ordinal)));
        Assert.Equal("answer_incomplete", CodeOf(withoutEnd[^1]));
        Assert.Equal(["error"], afterComments.Select(data => JsonDocument.Parse(data).RootElement.EnumerateObject().First().Name));
        Assert.All((string[])[.. inTheMiddle, .. withoutEnd, .. afterComments], data =>
        {
            Assert.NotEqual("[DONE]", data);
            Assert.DoesNotContain("litellm", data, StringComparison.OrdinalIgnoreCase);
        });
        Assert.All(await stack.RowsAsync(key, 3), row => Assert.Equal(UsageOutcome.Failed, row.Outcome));

        static string? CodeOf(string data) => JsonDocument.Parse(data).RootElement.GetProperty("error").GetProperty("code").GetString();
    }

    [Theory]
    [InlineData("eof=20", 1)]
    [InlineData("eof=30", 1)]
    [InlineData("", 2)]
    public async Task a_stream_of_two_choices_is_whole_only_when_both_have_ended(string fault, int finished)
    {
        var key = await stack.CreateKeyAsync();

        using var response = await stack.PostAsync(key, new
        {
            model = "chat-default",
            stream = true,
            n = 2,
            messages = new[] { new { role = "user", content = $"Tell me of rain <<demo length=20 {fault}>>" } },
        });
        var events = await ReadAsync(response);

        Assert.Equal(finished, events.Count(data => data.Contains("\"finish_reason\":\"stop\"", StringComparison.Ordinal)));
        var row = Assert.Single(await stack.RowsAsync(key));
        if (finished == 2)
        {
            Assert.Equal("[DONE]", events[^1]);
            // LiteLLM loses the real usage of a stream of several choices, and counts by itself.
            Assert.Equal((UsageOutcome.Completed, UsageSource.Estimated, 40), (row.Outcome, row.Source, row.CompletionTokens));
        }
        else
        {
            Assert.Equal("answer_incomplete", JsonDocument.Parse(events[^1]).RootElement.GetProperty("error").GetProperty("code").GetString());
            Assert.Equal((UsageOutcome.Failed, UsageSource.Estimated), (row.Outcome, row.Source));
        }
    }

    [Theory]
    [InlineData("""{"model":"chat-default"}""", "missing_required_parameter", "messages")]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}]}""", "missing_required_parameter", "model")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"stream":"yes"}""", "invalid_value", "stream")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"stream_options":{"include_usage":true}}""", "invalid_value", "stream_options")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":0}""", "invalid_value", "max_completion_tokens")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"n":0}""", "invalid_value", "n")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"fallbacks":["strong-reasoning"]}""", "unsupported_parameter", "fallbacks")]
    [InlineData("""{"model":"chat-default","model":"strong-reasoning","messages":[{"role":"user","content":"hi"}]}""", "json_invalid", "model")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":[{"type":"text","text":"hi","foo":1}]}]}""", "unsupported_parameter", "messages[0].content[0].foo")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"mcp","server_url":"https://tools.example.com"}]}""", "unsupported_parameter", "tools[0].type")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"hi"}],"metadata":{"tags":"free"},"stream":true}""", "unsupported_parameter", "metadata.tags")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://localhost/"}}]}]}""", "invalid_value", "messages[0].content[0].image_url.url")]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"\ud800"}],"stream":true}""", "text_invalid", "messages[0].content")]
    [InlineData("""[1]""", "json_invalid", null)]
    [InlineData("""{"model":""", "json_invalid", null)]
    public async Task what_is_wrong_with_a_request_is_said_with_its_parameter(string body, string code, string? param)
    {
        var key = await stack.CreateKeyAsync();

        using var response = await SendAsync(HttpMethod.Post, "/v1/chat/completions", key, new StringContent(body, Encoding.UTF8, "application/json"));

        await response.IsErrorAsync(HttpStatusCode.BadRequest, code, param: param);
        Assert.Empty(await stack.RowsAsync(key, 0));
    }

    [Fact]
    public async Task every_refusal_has_openais_form()
    {
        var key = await stack.CreateKeyAsync();

        using var nobody = await SendAsync(HttpMethod.Get, "/v1/models", null);
        await nobody.IsErrorAsync(HttpStatusCode.Unauthorized, "invalid_api_key");
        using var nowhere = await SendAsync(HttpMethod.Get, "/v1/embeddings", key);
        await nowhere.IsErrorAsync(HttpStatusCode.NotFound, "not_found");
        using var unknown = await SendAsync(HttpMethod.Get, "/v1/models/some%2Fmodel", key);
        await unknown.IsErrorAsync(HttpStatusCode.NotFound, "model_not_found", param: "model");
        using var method = await SendAsync(HttpMethod.Get, "/v1/chat/completions", key);
        await method.IsErrorAsync(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        using var type = await SendAsync(HttpMethod.Post, "/v1/chat/completions", key, new StringContent("hi", Encoding.UTF8, "text/plain"));
        await type.IsErrorAsync(HttpStatusCode.UnsupportedMediaType, "content_type_unsupported");
        using var large = await SendAsync(HttpMethod.Post, "/v1/chat/completions", key, new StringContent(new string(' ', 100_001), Encoding.UTF8, "application/json"));
        await large.IsErrorAsync(HttpStatusCode.RequestEntityTooLarge, "body_too_large");
        using var quota = await stack.PostAsync(key, new { model = "chat-default", max_completion_tokens = 2_000_000_000, messages = new[] { new { role = "user", content = "hi" } } });
        await quota.IsErrorAsync(HttpStatusCode.TooManyRequests, "insufficient_quota", "insufficient_quota");
        Assert.Equal("false", Assert.Single(quota.Headers.GetValues("x-should-retry")));
        Assert.Empty(await stack.RowsAsync(key, 0));
    }

    [Fact]
    public async Task who_asks_too_much_at_once_or_a_minute_hears_when_to_come_again()
    {
        var key = await stack.CreateKeyAsync("enterprise");
        var hold = $"limits-{key.Id:N}";

        using var held = await stack.PostAsync(key, Ask($"Tell me of rain <<demo length=20 hold={hold}@0>>"));
        using var second = await stack.PostAsync(key, Ask("hi"));
        await second.IsErrorAsync(HttpStatusCode.TooManyRequests, "rate_limit_exceeded", "requests");
        await stack.Gateway.ReleaseAsync(hold);
        Assert.Equal("[DONE]", (await ReadAsync(held))[^1]);
        // The place is free again.
        using var third = await stack.PostAsync(key, Ask("Tell me of rain <<demo length=20>>"));
        Assert.Equal("[DONE]", (await ReadAsync(third))[^1]);
        using var fourth = await SendAsync(HttpMethod.Get, "/v1/models", key);
        using var fifth = await SendAsync(HttpMethod.Get, "/v1/models", key);
        await fifth.IsErrorAsync(HttpStatusCode.TooManyRequests, "rate_limit_exceeded", "requests");
        Assert.InRange(fifth.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));
        Assert.Equal("0", Assert.Single(fifth.Headers.GetValues("x-ratelimit-remaining-requests")));
        await stack.RowsAsync(key, 2);
    }

    [Fact]
    public async Task a_client_that_leaves_a_plain_answer_leaves_a_disconnected_row_of_the_whole()
    {
        var key = await stack.CreateKeyAsync();
        var hold = $"plain-{key.Id:N}";
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        using var request = Request(HttpMethod.Post, "/v1/chat/completions", key, System.Net.Http.Json.JsonContent.Create(Ask($"hi <<demo length=20 hold={hold}@0>>", stream: false)));

        var answer = stack.Client.SendAsync(request, patience.Token);
        await Until.TrueAsync(async () => (await stack.Gateway.CallsAsync()).Any(call => !call.GetProperty("finished").GetBoolean()));
        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
        // The gateway goes on with it, so it is read to its end.
        await stack.Gateway.ReleaseAsync(hold);
        var row = Assert.Single(await stack.RowsAsync(key));
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.Provider, 20L), (row.Outcome, row.Source, row.CompletionTokens));
    }

    private static object Ask(string text, object? streamOptions = null, bool stream = true) => streamOptions is null
        ? new { model = "chat-default", stream, messages = new[] { new { role = "user", content = text } } }
        : new { model = "chat-default", stream, stream_options = streamOptions, messages = new[] { new { role = "user", content = text } } };

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, TestKey? key, HttpContent? body = null) =>
        stack.Client.SendAsync(Request(method, path, key, body), Token);

    private static HttpRequestMessage Request(HttpMethod method, string path, TestKey? key, HttpContent? body)
    {
        var request = new HttpRequestMessage(method, path) { Content = body };
        request.Headers.Authorization = key is null ? null : new("Bearer", key.Secret);
        return request;
    }

    /// <summary>The data of each event.</summary>
    private static async Task<List<string>> ReadAsync(HttpResponseMessage response)
    {
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var text = await response.Content.ReadAsStringAsync(Token);
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(part => part.StartsWith("data: ", StringComparison.Ordinal)).Select(part => part["data: ".Length..])];
    }
}
