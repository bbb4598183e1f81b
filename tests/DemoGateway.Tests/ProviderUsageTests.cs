using System.Globalization;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>
/// What the proxy tells of usage, by provider. Names stand for the numbers of the record: <c>P</c> prompt, <c>C</c> completion, <c>V</c> the completion
/// without thinking, <c>R</c> thinking, <c>H</c> cached, <c>W</c> written into the cache.
/// </summary>
public class ProviderUsageTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private const string OpenAiDetails =
        "\"completion_tokens_details\":{\"accepted_prediction_tokens\":0,\"audio_tokens\":0,\"reasoning_tokens\":R,\"rejected_prediction_tokens\":0}";

    private const string Counts = "\"completion_tokens\":C,\"prompt_tokens\":P,\"total_tokens\":P+C";
    private const string OwnCounts = "\"completion_tokens\":V,\"prompt_tokens\":P,\"total_tokens\":P+V";
    private const string Placeholder = "\"completion_tokens\":1,\"prompt_tokens\":P,\"total_tokens\":P+1";
    private const string Ephemeral = "\"cache_creation_token_details\":{\"ephemeral_5m_input_tokens\":W,\"ephemeral_1h_input_tokens\":0}";
    private const string TopLevel = "\"cache_creation_input_tokens\":W,\"cache_read_input_tokens\":H";
    private const string Split = $"\"prompt_tokens_details\":{{\"cached_tokens\":H,\"cache_creation_tokens\":W,{Ephemeral}}},{TopLevel}";
    private const string Whole = $"\"prompt_tokens_details\":{{\"cached_tokens\":H,\"cache_creation_tokens\":W}},{TopLevel}";

    private static int _lastId;
    private readonly string _id = $"usage-{Interlocked.Increment(ref _lastId)}";

    [Theory]
    [InlineData("chat-default", false, $"{Counts},{OpenAiDetails},\"prompt_tokens_details\":{{\"audio_tokens\":0,\"cached_tokens\":H}}")]
    [InlineData("chat-default", true, $"{Counts},{OpenAiDetails},\"prompt_tokens_details\":{{\"audio_tokens\":0,\"cached_tokens\":H}}")]
    [InlineData("claude-default", false, $"{Counts},\"completion_tokens_details\":{{\"reasoning_tokens\":0,\"text_tokens\":C}},{Split}")]
    [InlineData("claude-default", true, $"{Counts},\"completion_tokens_details\":{{\"reasoning_tokens\":0,\"text_tokens\":C}},{Whole}")]
    [InlineData("gemini-default", false, $"{Counts},\"completion_tokens_details\":{{\"reasoning_tokens\":R,\"text_tokens\":V}},\"prompt_tokens_details\":{{\"cached_tokens\":H}}")]
    [InlineData("gemini-default", true, $"{Counts},\"completion_tokens_details\":{{\"reasoning_tokens\":R,\"text_tokens\":V}},\"prompt_tokens_details\":{{\"cached_tokens\":H}}")]
    [InlineData("mistral-default", false, Counts)]
    [InlineData("mistral-default", true, Counts)]
    public async Task a_whole_answer_has_the_usage_of_its_provider(string model, bool stream, string expected)
    {
        var usage = await UsageAsync(model, stream, "length=9");

        Assert.Equal(await ExpectedAsync(expected), usage);
    }

    [Theory]
    [InlineData("chat-default", "", OwnCounts)]
    [InlineData("chat-default", "proxy=newer", OwnCounts)]
    [InlineData("claude-default", "", $"{Placeholder},\"completion_tokens_details\":{{\"reasoning_tokens\":0,\"text_tokens\":1}},{Split}")]
    [InlineData("claude-default", "proxy=newer", $"{OwnCounts},\"completion_tokens_details\":{{\"reasoning_tokens\":0,\"text_tokens\":V}},{Split}")]
    [InlineData("gemini-default", "", $"{OwnCounts},\"completion_tokens_details\":{{\"reasoning_tokens\":0}},\"prompt_tokens_details\":{{}}")]
    [InlineData("mistral-default", "", OwnCounts)]
    public async Task a_stream_that_the_provider_cut_or_did_not_account_for_has_a_usage_of_the_proxys_making(string model, string version, string expected)
    {
        foreach (var (fault, outcome, tokens) in ((string, string, int)[])
            [("upstream-reset=4", "failed", 4), ("upstream-eof=4", "failed", 4), ("usage=unreported", "completed", 9)])
        {
            var id = $"{_id}-{tokens}-{fault}";
            var usage = await UsageAsync(model, stream: true, $"length=9 thinking=20 {fault} {version}", id);
            var served = await gateway.ServedAsync(id);

            Assert.Equal(await ExpectedAsync(expected, id), usage);
            // The proxy cannot know how long the model thought.
            Assert.Equal((outcome, tokens + 20, 20), ((string?)served["outcome"], (int)served["completion_tokens"]!, (int)served["reasoning_tokens"]!));
        }
    }

    [Theory]
    [InlineData("upstream-reset=4")]
    [InlineData("upstream-eof=4")]
    public async Task a_stream_that_the_provider_cut_ends_like_a_whole_one(string fault)
    {
        foreach (var model in (string[])["chat-default", "claude-default", "gemini-default", "mistral-default"])
        {
            var events = await gateway.StreamAsync(Ask(model, stream: true), fault: $"length=9 {fault}");

            Assert.Equal(7, events.Count);
            Assert.Equal("""[{"finish_reason":"stop","index":0,"delta":{}}]""", JsonNode.Parse(events[^3])!["choices"]!.ToJsonString());
            Assert.Equal("""[{"index":0,"delta":{}}]""", JsonNode.Parse(events[^2])!["choices"]!.ToJsonString());
            Assert.Equal("[DONE]", events[^1]);
        }
    }

    [Theory]
    [InlineData("chat-default")]
    [InlineData("claude-default")]
    [InlineData("gemini-default")]
    [InlineData("mistral-default")]
    public async Task a_body_that_the_provider_did_not_account_for_has_zeros(string model) =>
        Assert.Equal("""{"completion_tokens":0,"prompt_tokens":0,"total_tokens":0}""", await UsageAsync(model, stream: false, "length=9 usage=unreported"));

    [Theory]
    [InlineData("", "\"prompt_tokens_details\":{\"audio_tokens\":0,\"cache_write_tokens\":W,\"cached_tokens\":H}")]
    [InlineData("proxy=newer", "\"prompt_tokens_details\":{\"audio_tokens\":0,\"cache_write_tokens\":W,\"cached_tokens\":H,\"cache_creation_tokens\":W}")]
    public async Task openais_cache_writes_have_openais_name_and_later_both(string version, string details)
    {
        foreach (var stream in (bool[])[true, false])
        {
            var id = $"{_id}-{stream}";
            var usage = await UsageAsync("chat-default", stream, $"length=9 cache-write=32 {version}", id);

            Assert.Equal(await ExpectedAsync($"{Counts},{OpenAiDetails},{details}", id), usage);
            Assert.Equal(32, (int?)(await gateway.ServedAsync(id))["cache_write_tokens"]);
        }
    }

    [Fact]
    public async Task claudes_cache_writes_of_five_minutes_and_an_hour_are_apart_in_a_body_and_together_in_a_stream()
    {
        var body = JsonNode.Parse(await UsageAsync("claude-default", stream: false, "length=9 cache-write=16+32"))!;
        var streamed = JsonNode.Parse(await UsageAsync("claude-default", stream: true, "length=9 cache-write=16+32", _id + "-streamed"))!;
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(
            """{"ephemeral_5m_input_tokens":16,"ephemeral_1h_input_tokens":32}""",
            body["prompt_tokens_details"]!["cache_creation_token_details"]!.ToJsonString());
        Assert.Null(streamed["prompt_tokens_details"]!["cache_creation_token_details"]);
        Assert.All([body, streamed], usage => Assert.Equal(
            (48, 48), ((int)usage["prompt_tokens_details"]!["cache_creation_tokens"]!, (int)usage["cache_creation_input_tokens"]!)));
        Assert.Equal((48, 32), ((int)served["cache_write_tokens"]!, (int)served["cache_write_1h_tokens"]!));
    }

    [Theory]
    [InlineData("chat-default", "cache-write=1+2", "only Anthropic's caches last an hour.")]
    [InlineData("gemini-default", "cache-write=1", "'gemini' does not tell of cache writes.")]
    [InlineData("claude-default", "cache-write=5000", "the prompt has no so many tokens that are not cached yet.")]
    public async Task a_cache_write_that_cannot_be_is_refused(string model, string fault, string reason)
    {
        using var response = await gateway.PostAsync(Ask(model, stream: true), _id, fault: fault);

        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains(reason, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Empty(await gateway.AllServedAsync(_id));
    }

    [Theory]
    [InlineData("claude-default", false, 3)]
    [InlineData("claude-default", true, 0)]
    [InlineData("chat-default", false, 64)]
    [InlineData("gemini-default", true, 64)]
    public async Task claudes_thinking_is_the_proxys_own_count_and_others_is_the_providers(string model, bool stream, int told)
    {
        var usage = JsonNode.Parse(await UsageAsync(model, stream, "length=6 thinking=64"))!;
        var served = await gateway.ServedAsync(_id);

        Assert.Equal((70, told), ((int)usage["completion_tokens"]!, (int)usage["completion_tokens_details"]!["reasoning_tokens"]!));
        Assert.Equal((70, 64), ((int)served["completion_tokens"]!, (int)served["reasoning_tokens"]!));
    }

    [Fact]
    public async Task a_stream_of_several_choices_loses_the_real_usage()
    {
        var usage = await UsageAsync("chat-default", stream: true, "length=9 thinking=20", choices: 2);

        Assert.Equal(await ExpectedAsync(OwnCounts), usage);
        Assert.Equal(58, (int?)(await gateway.ServedAsync(_id))["completion_tokens"]);
    }

    [Fact]
    public async Task one_body_of_several_choices_keeps_it()
    {
        var usage = JsonNode.Parse(await UsageAsync("chat-default", stream: false, "length=9 thinking=20", choices: 2))!;

        Assert.Equal(58, (int?)usage["completion_tokens"]);
        Assert.Equal(40, (int?)usage["completion_tokens_details"]!["reasoning_tokens"]);
    }

    [Fact]
    public async Task after_a_fallback_in_mid_stream_the_usage_is_the_seconds_alone_in_its_form()
    {
        var usage = JsonNode.Parse(await UsageAsync("chat-default", stream: true, "length=9 fallback-mid=4"))!;
        var served = await gateway.AllServedAsync(_id);

        Assert.Equal(["openai", "anthropic"], served.Select(one => (string?)one["provider"]));
        Assert.Equal(((int)served[1]["prompt_tokens"]!, 5), ((int)usage["prompt_tokens"]!, (int)usage["completion_tokens"]!));
        Assert.NotNull(usage["cache_creation_input_tokens"]);
    }

    private async Task<string> UsageAsync(string model, bool stream, string fault, string? id = null, int choices = 1)
    {
        var request = Ask(model, stream, choices);
        return stream
            ? JsonNode.Parse((await gateway.StreamAsync(request, id ?? _id, fault))[^2])!["usage"]!.ToJsonString()
            : (await gateway.CompleteAsync(request, id ?? _id, fault))["usage"]!.ToJsonString();
    }

    /// <summary>A conversation, so that some of it is cached.</summary>
    private static string Ask(string model, bool stream, int choices = 1)
    {
        var earlier = string.Concat(Enumerable.Repeat("In winter the harbour is quiet, and the ferries come only twice a week. ", 10));
        var messages = new[] { new { role = "user", content = "And in winter?" }, new { role = "assistant", content = earlier }, new { role = "user", content = earlier } };
        return GatewayFixture.Ask("", model, new { stream, stream_options = new { include_usage = true }, n = choices, messages });
    }

    private async Task<string> ExpectedAsync(string form, string? id = null)
    {
        var served = await gateway.ServedAsync(id ?? _id);
        var (prompt, completion, thinking) = (Count("prompt_tokens"), Count("completion_tokens"), Count("reasoning_tokens"));
        var filled = $"{{{form}}}"
            .Replace("P+C", Text(prompt + completion), StringComparison.Ordinal)
            .Replace("P+V", Text(prompt + completion - thinking), StringComparison.Ordinal)
            .Replace("P+1", Text(prompt + 1), StringComparison.Ordinal);
        foreach (var (letter, count) in ((char, int)[])
            [('P', prompt), ('C', completion), ('V', completion - thinking), ('R', thinking), ('H', Count("cached_tokens")), ('W', Count("cache_write_tokens"))])
        {
            filled = filled.Replace($":{letter}", $":{count}", StringComparison.Ordinal);
        }

        return filled;

        int Count(string name) => (int)served[name]!;

        static string Text(int count) => count.ToString(CultureInfo.InvariantCulture);
    }
}
