using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>Answers as one body.</summary>
public class ChatTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/chat/completions")]
    public async Task an_answer_has_the_members_of_the_proxys_in_their_order(string path)
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi"), path: path);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!.AsObject();

        Assert.Equal(
            ["id", "created", "model", "object", "system_fingerprint", "choices", "usage", "service_tier"], answer.Select(member => member.Key));
        Assert.StartsWith("chatcmpl-", (string?)answer["id"], StringComparison.Ordinal);
        Assert.Equal("chat-default", (string?)answer["model"]);
        Assert.Equal("chat.completion", (string?)answer["object"]);
        var choice = Assert.Single(answer["choices"]!.AsArray())!.AsObject();
        Assert.Equal(["finish_reason", "index", "message"], choice.Select(member => member.Key));
        Assert.Equal(["content", "role"], choice["message"]!.AsObject().Select(member => member.Key));
        Assert.Equal("stop", (string?)choice["finish_reason"]);
        Assert.Contains("built-in demo model", (string?)choice["message"]!["content"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task an_answer_has_the_full_set_of_headers()
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi"), callId: "plain-headers");

        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.NotNull(response.Content.Headers.ContentLength);
        Assert.Equal("plain-headers", Assert.Single(response.Headers.GetValues("x-litellm-call-id")));
        Assert.StartsWith("chat-default-openai-", Assert.Single(response.Headers.GetValues("x-litellm-model-id")), StringComparison.Ordinal);
        Assert.Equal("chat-default", Assert.Single(response.Headers.GetValues("x-litellm-model-group")));
        Assert.Equal("0", Assert.Single(response.Headers.GetValues("x-litellm-attempted-retries")));
        Assert.Equal("0", Assert.Single(response.Headers.GetValues("x-litellm-attempted-fallbacks")));
        Assert.All(
            [
                "x-litellm-model-api-base", "x-litellm-version", "x-litellm-response-cost", "x-litellm-response-cost-original",
                "x-litellm-response-cost-discount-amount", "x-litellm-response-cost-margin-amount", "x-litellm-response-cost-margin-percent",
                "x-litellm-key-spend", "x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms", "x-ratelimit-limit-requests",
                "x-ratelimit-remaining-tokens", "llm_provider-x-ratelimit-limit-requests",
            ],
            header => Assert.True(response.Headers.Contains(header), header));
    }

    [Fact]
    public async Task a_call_without_an_id_is_given_one()
    {
        using var first = await gateway.PostAsync(GatewayFixture.Ask("hi"));
        using var second = await gateway.PostAsync(GatewayFixture.Ask("hi"));

        var id = Assert.Single(first.Headers.GetValues("x-litellm-call-id"));
        Assert.True(Guid.TryParse(id, out _), id);
        Assert.NotEqual(id, Assert.Single(second.Headers.GetValues("x-litellm-call-id")));
    }

    [Theory]
    [InlineData("fast-reasoning", 16, 32)]
    [InlineData("strong-reasoning", 64, 128)]
    [InlineData("chat-default", 0, 0)]
    public async Task reasoning_tokens_are_within_the_completion_tokens(string model, int least, int most)
    {
        var answer = await gateway.CompleteAsync(GatewayFixture.Ask("What is rain?", model));
        var usage = answer["usage"]!;
        var reasoning = (int)usage["completion_tokens_details"]!["reasoning_tokens"]!;

        Assert.InRange(reasoning, least, most);
        Assert.Equal(
            DemoModel.Tokenizer.Count((string)answer["choices"]![0]!["message"]!["content"]!), (int)usage["completion_tokens"]! - reasoning);
    }

    [Fact]
    public async Task what_an_earlier_turn_sent_is_cached_in_the_next()
    {
        var earlier = new { role = "user", content = string.Join(' ', Enumerable.Repeat("rain", 100)) };
        var reply = new { role = "assistant", content = string.Join(' ', Enumerable.Repeat("cloud", 50)) };
        var first = await gateway.CompleteAsync(GatewayFixture.Ask("", "claude-default", new { messages = new object[] { earlier } }));
        var second = await gateway.CompleteAsync(
            GatewayFixture.Ask("", "claude-default", new { messages = new object[] { earlier, reply, new { role = "user", content = "And snow?" } } }));

        // 4 + 100 tokens are sent first, of which one block of 64 is stored; then 4 + 100 + 4 + 50, two blocks, are read again.
        Assert.Equal((107, 0, 64), CacheOf(first));
        Assert.Equal((168, 128, 0), CacheOf(second));

        static (int Prompt, int Read, int Written) CacheOf(JsonNode answer) => (
            (int)answer["usage"]!["prompt_tokens"]!,
            (int)answer["usage"]!["cache_read_input_tokens"]!,
            (int)answer["usage"]!["cache_creation_input_tokens"]!);
    }

    [Theory]
    [InlineData("max_tokens")]
    [InlineData("max_completion_tokens")]
    public async Task a_limit_of_tokens_cuts_the_answer(string name)
    {
        var answer = await gateway.CompleteAsync(GatewayFixture.Ask("Explain rain", with: new Dictionary<string, int> { [name] = 7 }));

        Assert.Equal("length", (string?)answer["choices"]![0]!["finish_reason"]);
        Assert.Equal(7, (int?)answer["usage"]!["completion_tokens"]);
        Assert.Equal(7, DemoModel.Tokenizer.Count((string)answer["choices"]![0]!["message"]!["content"]!));
    }

    [Fact]
    public async Task thinking_can_use_up_the_whole_limit()
    {
        var answer = await gateway.CompleteAsync(GatewayFixture.Ask("Explain rain", "strong-reasoning", new { max_completion_tokens = 20 }));

        Assert.Equal("length", (string?)answer["choices"]![0]!["finish_reason"]);
        Assert.Equal("", (string?)answer["choices"]![0]!["message"]!["content"]);
        Assert.Equal(20, (int?)answer["usage"]!["completion_tokens"]);
        Assert.Equal(20, (int?)answer["usage"]!["completion_tokens_details"]!["reasoning_tokens"]);
    }

    [Theory]
    [InlineData("\"built-in\"")]
    [InlineData("[\"never said\",\"built-in\"]")]
    public async Task a_stop_sequence_ends_the_answer_before_it(string stop)
    {
        var answer = await gateway.CompleteAsync(GatewayFixture.Ask("hi", with: new { stop = JsonNode.Parse(stop) }));
        var text = (string?)answer["choices"]![0]!["message"]!["content"];

        Assert.EndsWith("I am the ", text, StringComparison.Ordinal);
        Assert.Equal("stop", (string?)answer["choices"]![0]!["finish_reason"]);
        Assert.Equal(DemoModel.Tokenizer.Count(text!), (int?)answer["usage"]!["completion_tokens"]);
    }

    [Fact]
    public async Task the_deployments_of_an_alias_take_turns()
    {
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            using var response = await gateway.PostAsync(GatewayFixture.Ask("hi", with: new { max_tokens = 1 }));
            ids.Add(Assert.Single(response.Headers.GetValues("x-litellm-model-id")));
        }

        Assert.Equal(2, ids.Distinct().Count());
        Assert.Equal(ids[0], ids[2]);
        Assert.Equal(ids[1], ids[3]);
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(-1)]
    public async Task a_seed_fixes_the_deployment_and_the_text(long seed)
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            using var response = await gateway.PostAsync(GatewayFixture.Ask("Explain rain", with: new { seed }));
            var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
            seen.Add($"{Assert.Single(response.Headers.GetValues("x-litellm-model-id"))} {answer["choices"]!.ToJsonString()} {answer["usage"]!.ToJsonString()}");
        }

        Assert.Single(seen);
    }
}
