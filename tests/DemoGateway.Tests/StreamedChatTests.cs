using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

public class StreamedChatTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private static readonly object WithUsage = new { stream = true, stream_options = new { include_usage = true } };

    [Fact]
    public async Task a_stream_has_the_proxys_shape_from_the_first_event_to_done()
    {
        var events = await gateway.StreamAsync(GatewayFixture.Ask("hi", with: WithUsage));
        var chunks = events.SkipLast(1).Select(data => JsonNode.Parse(data)!.AsObject()).ToArray();

        Assert.Equal("[DONE]", events[^1]);
        Assert.All(chunks, chunk =>
        {
            Assert.Equal(chunks[0]["id"]!.ToString(), chunk["id"]!.ToString());
            Assert.Equal("chat-default", (string?)chunk["model"]);
            Assert.Equal("chat.completion.chunk", (string?)chunk["object"]);
        });

        // The role comes with the first content, and only there; what is null is absent.
        Assert.Equal(["content", "role"], chunks[0]["choices"]![0]!["delta"]!.AsObject().Select(member => member.Key));
        Assert.All(chunks[1..^2], chunk => Assert.Equal(["content"], chunk["choices"]![0]!["delta"]!.AsObject().Select(member => member.Key)));
        Assert.All(chunks[..^2], chunk => Assert.Equal(["index", "delta"], chunk["choices"]![0]!.AsObject().Select(member => member.Key)));

        // Then the reason, then the usage beside choices that are not empty.
        Assert.Equal("""[{"finish_reason":"stop","index":0,"delta":{}}]""", chunks[^2]["choices"]!.ToJsonString());
        Assert.Equal("""[{"index":0,"delta":{}}]""", chunks[^1]["choices"]!.ToJsonString());
        Assert.All(chunks[..^1], chunk => Assert.False(chunk.ContainsKey("usage")));
        Assert.True(chunks[^1].ContainsKey("usage"));
    }

    [Fact]
    public async Task every_event_with_content_is_one_token()
    {
        var events = await gateway.StreamAsync(GatewayFixture.Ask("Explain rain", with: WithUsage));
        var contents = events.SkipLast(1).Select(data => (string?)JsonNode.Parse(data)!["choices"]![0]!["delta"]!["content"]).OfType<string>().ToArray();

        Assert.Equal(contents.Length, (int?)JsonNode.Parse(events[^2])!["usage"]!["completion_tokens"]);
        Assert.True(contents.Length > 100, $"{contents.Length} tokens");
    }

    [Theory]
    [InlineData("""{"stream":true}""")]
    [InlineData("""{"stream":true,"stream_options":{"include_usage":false}}""")]
    [InlineData("""{"stream":true,"stream_options":{}}""")]
    [InlineData("""{"stream":true,"stream_options":null}""")]
    public async Task usage_that_was_not_asked_for_does_not_come(string with)
    {
        var events = await gateway.StreamAsync(GatewayFixture.Ask("hi", with: JsonNode.Parse(with)));

        Assert.DoesNotContain(events, data => data.Contains("\"usage\"", StringComparison.Ordinal));
        Assert.Equal("[DONE]", events[^1]);
    }

    [Fact]
    public async Task a_stream_has_far_fewer_headers()
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi", with: WithUsage), callId: "stream-headers");

        Assert.Equal("text/event-stream; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.True(response.Headers.TransferEncodingChunked);
        Assert.Equal("stream-headers", Assert.Single(response.Headers.GetValues("x-litellm-call-id")));
        Assert.Equal(
            [
                "x-litellm-call-id", "x-litellm-key-spend", "x-litellm-model-api-base", "x-litellm-model-id", "x-litellm-response-cost-discount-amount",
                "x-litellm-response-cost-margin-amount", "x-litellm-response-cost-margin-percent", "x-litellm-response-cost-original", "x-litellm-version",
            ],
            response.Headers.Select(header => header.Key).Where(name => name.StartsWith("x-", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("chat-default")]
    [InlineData("claude-default")]
    [InlineData("strong-reasoning")]
    public async Task a_stream_tells_the_same_text_and_usage_as_one_body(string model)
    {
        var body = await gateway.CompleteAsync(GatewayFixture.Ask("Compare tea and coffee", model));
        var events = await gateway.StreamAsync(GatewayFixture.Ask("Compare tea and coffee", model, WithUsage));
        var text = string.Concat(events.SkipLast(1).Select(data => (string?)JsonNode.Parse(data)!["choices"]![0]!["delta"]!["content"]));
        // Only a body says how long Claude's cache is kept.
        body["usage"]!["prompt_tokens_details"]!.AsObject().Remove("cache_creation_token_details");

        Assert.Equal((string?)body["choices"]![0]!["message"]!["content"], text);
        Assert.Equal(body["usage"]!.ToJsonString(), JsonNode.Parse(events[^2])!["usage"]!.ToJsonString());
    }

    [Fact]
    public async Task only_openai_tells_a_fingerprint_and_a_tier()
    {
        var openAi = JsonNode.Parse((await gateway.StreamAsync(GatewayFixture.Ask("hi", with: WithUsage)))[0])!.AsObject();
        var claude = JsonNode.Parse((await gateway.StreamAsync(GatewayFixture.Ask("hi", "claude-default", WithUsage)))[0])!.AsObject();

        Assert.True(openAi.ContainsKey("system_fingerprint") && openAi.ContainsKey("service_tier"));
        Assert.False(claude.ContainsKey("system_fingerprint") || claude.ContainsKey("service_tier"));
    }
}
