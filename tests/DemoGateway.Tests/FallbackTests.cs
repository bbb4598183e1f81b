using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>The faults in which another deployment answers, or the same one after some attempts.</summary>
public class FallbackTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private static int _lastId;
    private readonly string _id = $"fallback-{Interlocked.Increment(ref _lastId)}";

    [Fact]
    public async Task a_streamed_fallback_is_told_by_the_headers_alone()
    {
        using var response = await gateway.PostAsync(StreamContents.Ask(), _id, fault: "fallback; length=5");
        var events = await GatewayFixture.ReadEventsAsync(response);
        var served = await gateway.ServedAsync(_id);

        Assert.Equal("claude-default-anthropic", Assert.Single(response.Headers.GetValues("x-litellm-model-id")));
        Assert.Equal("demo://anthropic", Assert.Single(response.Headers.GetValues("x-litellm-model-api-base")));
        Assert.False(response.Headers.Contains("x-litellm-attempted-fallbacks"));
        Assert.All(events.SkipLast(1), data => Assert.Equal("chat-default", (string?)JsonNode.Parse(data)!["model"]));
        Assert.NotNull(JsonNode.Parse(events[^2])!["usage"]!["cache_read_input_tokens"]);
        Assert.Equal(("claude-default-anthropic", "claude-default"), ((string?)served["model_id"], (string?)served["alias"]));
    }

    [Fact]
    public async Task newer_proxies_tell_a_streamed_fallback_in_a_header_and_in_the_model()
    {
        using var response = await gateway.PostAsync(StreamContents.Ask(), _id, fault: "fallback; length=5; proxy=newer");
        using var usual = await gateway.PostAsync(StreamContents.Ask(), fault: "length=5; proxy=newer");
        var events = await GatewayFixture.ReadEventsAsync(response);

        Assert.Equal("1", Assert.Single(response.Headers.GetValues("x-litellm-attempted-fallbacks")));
        Assert.All(events.SkipLast(1), data => Assert.Equal("claude-sonnet-5-5", (string?)JsonNode.Parse(data)!["model"]));
        Assert.False(usual.Headers.Contains("x-litellm-attempted-fallbacks"));
    }

    [Fact]
    public async Task a_plain_fallback_is_told_by_the_headers_and_the_model()
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi"), _id, fault: "fallback; retries=1");
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;

        Assert.Equal("claude-sonnet-5-5", (string?)answer["model"]);
        Assert.Equal(
            ["claude-default-anthropic", "claude-default", "1", "1", "2"],
            ((string[])["x-litellm-model-id", "x-litellm-model-group", "x-litellm-attempted-fallbacks", "x-litellm-attempted-retries", "x-litellm-max-retries"])
                .Select(name => Assert.Single(response.Headers.GetValues(name))));
    }

    [Fact]
    public async Task a_fallback_can_be_named()
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi", "claude-default"), _id, fault: "fallback=gemini-default");

        Assert.Equal("gemini-default-google", Assert.Single(response.Headers.GetValues("x-litellm-model-id")));
    }

    [Fact]
    public async Task a_fallback_in_mid_stream_changes_the_id_and_goes_on_with_the_text()
    {
        var whole = string.Concat((await gateway.StreamAsync(StreamContents.Ask(), fault: "length=9")).Select(StreamContents.ContentOf));
        using var response = await gateway.PostAsync(StreamContents.Ask(), _id + "-mid", fault: "length=9; fallback-mid=4");
        var events = await GatewayFixture.ReadEventsAsync(response);
        var chunks = events.SkipLast(1).Select(data => JsonNode.Parse(data)!).ToArray();
        var usage = chunks[^1]["usage"]!;
        var served = await gateway.AllServedAsync(_id + "-mid");

        Assert.StartsWith("chat-default-openai-", Assert.Single(response.Headers.GetValues("x-litellm-model-id")), StringComparison.Ordinal);
        Assert.Equal(whole, string.Concat(events.Select(StreamContents.ContentOf)));
        Assert.All(chunks, chunk => Assert.Equal("chat-default", (string?)chunk["model"]));
        Assert.Single(chunks[..4].Select(chunk => (string?)chunk["id"]).Distinct());
        Assert.Single(chunks[4..].Select(chunk => (string?)chunk["id"]).Distinct());
        Assert.NotEqual((string?)chunks[3]["id"], (string?)chunks[4]["id"]);
        Assert.Equal([0, 4], chunks.Index().Where(chunk => chunk.Item["choices"]![0]!["delta"]!["role"] is not null).Select(chunk => chunk.Index));
        Assert.Equal([("failed", 4, "chat-default"), ("completed", 5, "claude-default")], served.Select(Told));

        // The usage is the second's; the half answer was part of its prompt.
        Assert.Equal(((int?)served[1]["prompt_tokens"], 5), ((int?)usage["prompt_tokens"], (int?)usage["completion_tokens"]));
        Assert.True((int)served[1]["prompt_tokens"]! > (int)served[0]["prompt_tokens"]! + 4);
        Assert.Equal("[DONE]", events[^1]);
    }

    [Fact]
    public async Task a_fallback_in_the_middle_of_one_body_begins_anew()
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi"), _id, fault: "length=9; fallback-mid=4");
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        var served = await gateway.AllServedAsync(_id);

        Assert.Equal(9, Tokenizer.Count((string)answer["choices"]![0]!["message"]!["content"]!));
        Assert.Equal((9, "claude-sonnet-5-5"), ((int)answer["usage"]!["completion_tokens"]!, (string?)answer["model"]));
        Assert.Equal("claude-default-anthropic", Assert.Single(response.Headers.GetValues("x-litellm-model-id")));
        Assert.Equal("1", Assert.Single(response.Headers.GetValues("x-litellm-attempted-fallbacks")));
        Assert.Equal([("failed", 4, "chat-default"), ("completed", 9, "claude-default")], served.Select(Told));
    }

    [Fact]
    public async Task the_second_of_a_fallback_in_mid_stream_can_break_too()
    {
        var events = await gateway.StreamAsync(StreamContents.Ask(), _id, "length=9; fallback-mid=3@gemini-default; error=5");
        var served = await gateway.AllServedAsync(_id);

        Assert.Equal(5, events.Count(data => StreamContents.ContentOf(data) is not null));
        Assert.Contains("GeminiException", events[^1], StringComparison.Ordinal);
        Assert.Equal([("failed", 3, "chat-default"), ("failed", 2, "gemini-default")], served.Select(Told));
    }

    [Fact]
    public async Task a_short_answer_leaves_its_last_token_to_the_fallback()
    {
        await gateway.StreamAsync(StreamContents.Ask(), _id, "length=3; fallback-mid=100");

        Assert.Equal([("failed", 2, "chat-default"), ("completed", 1, "claude-default")], (await gateway.AllServedAsync(_id)).Select(Told));
    }

    [Fact]
    public async Task retries_are_told_on_plain_answers_only()
    {
        using var plain = await gateway.PostAsync(GatewayFixture.Ask("hi"), fault: "retries=2");
        using var streamed = await gateway.PostAsync(StreamContents.Ask(), fault: "retries=2");
        using var usual = await gateway.PostAsync(GatewayFixture.Ask("hi"));

        Assert.Equal("2", Assert.Single(plain.Headers.GetValues("x-litellm-attempted-retries")));
        Assert.Equal("2", Assert.Single(plain.Headers.GetValues("x-litellm-max-retries")));
        Assert.False(streamed.Headers.Contains("x-litellm-attempted-retries"));
        Assert.False(usual.Headers.Contains("x-litellm-max-retries"));
    }

    private static (string? Outcome, int Tokens, string? Alias) Told(JsonObject served) =>
        ((string?)served["outcome"], (int)served["completion_tokens"]!, (string?)served["alias"]);
}
