using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>The faults that refuse a call or break its answer.</summary>
public class BreakTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private static int _lastId;
    private readonly string _id = $"break-{Interlocked.Increment(ref _lastId)}";

    [Theory]
    [InlineData("429", 429, "throttling_error", "litellm.RateLimitError: RateLimitError: OpenAIException - ", true)]
    [InlineData("500", 500, null, "litellm.InternalServerError: InternalServerError: OpenAIException - ", true)]
    [InlineData("503", 503, null, "litellm.ServiceUnavailableError: ServiceUnavailableError: OpenAIException - ", true)]
    [InlineData("401", 401, null, "litellm.AuthenticationError: AuthenticationError: OpenAIException - ", false)]
    [InlineData("400", 400, "invalid_request_error", "litellm.BadRequestError: BadRequestError: OpenAIException - ", false)]
    [InlineData("404", 404, null, "litellm.NotFoundError: NotFoundError: OpenAIException - ", false)]
    [InlineData("408", 408, null, "litellm.Timeout: APITimeoutError - Request timed out.", true)]
    [InlineData("context", 400, null, "litellm.ContextWindowExceededError: litellm.BadRequestError: ContextWindowExceededError: OpenAIException - ", false)]
    public async Task a_refusal_has_the_proxys_shape_and_nothing_was_served(string status, int code, string? type, string message, bool retried)
    {
        foreach (var stream in (bool[])[true, false])
        {
            using var response = await gateway.PostAsync(GatewayFixture.Ask("hi", "fast-reasoning", new { stream }), _id, fault: $"status={status}");
            var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["error"]!.AsObject();

            Assert.Equal(code, (int)response.StatusCode);
            Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
            Assert.Equal(["message", "type", "param", "code"], error.Select(member => member.Key));
            Assert.StartsWith(message, (string?)error["message"], StringComparison.Ordinal);
            Assert.Contains("[{'chat-default': ['claude-default']}, {'strong-reasoning': ['fast-reasoning']}]", (string?)error["message"], StringComparison.Ordinal);
            Assert.Equal(retried, ((string)error["message"]!).EndsWith(" LiteLLM Retried: 2 times, LiteLLM Max Retries: 2", StringComparison.Ordinal));
            Assert.Equal(type, (string?)error["type"]);
            Assert.Equal($"{code}", (string?)error["code"]);
            Assert.Equal(
                ["x-litellm-call-id", "x-litellm-key-spend", "x-litellm-model-id", "x-litellm-response-cost", "x-litellm-timeout"],
                response.Headers.Select(header => header.Key).Where(name => name != "Date" && name != "Server").Order(StringComparer.Ordinal));
        }

        Assert.Empty(await gateway.AllServedAsync(_id));
    }

    [Theory]
    [InlineData("chat-default", "60", "60.0")]
    [InlineData("strong-reasoning", "180.0", "180.0")]
    public async Task a_time_out_tells_the_limit_of_its_deployment(string model, string header, string limit)
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi", model), fault: "status=408");

        Assert.Equal(header, Assert.Single(response.Headers.GetValues("x-litellm-timeout")));
        Assert.Contains(
            $"timeout value={limit}, time taken={limit} seconds\\n\\nDeployment Info: request_timeout: None\\ntimeout: {limit}",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_stall_ends_with_the_error_of_a_time_out_and_no_done()
    {
        var events = await gateway.StreamAsync(StreamContents.Ask(), _id, "length=9; stall=4; for=1");
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(4, events.Count(data => StreamContents.ContentOf(data) is not null));
        Assert.Equal("""{"error": {"message": "Timeout on reading data from socket", "type": "None", "param": "None", "code": "500"}}""", events[^1]);
        Assert.Equal(5, events.Count);
        Assert.Equal(("failed", 4), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Theory]
    [InlineData("stall=0; for=1", true, 408, 0)]
    [InlineData("stall=4; for=1", false, 408, 4)]
    [InlineData("error=0", true, 503, 0)]
    [InlineData("error=4", false, 503, 4)]
    [InlineData("upstream-reset=4", false, 500, 4)]
    [InlineData("upstream-eof=4", false, 500, 4)]
    [InlineData("eof=4", false, 500, 4)]
    public async Task what_fails_before_the_headers_is_a_status_and_the_model_worked_all_the_same(string fault, bool stream, int status, int tokens)
    {
        using var response = await gateway.PostAsync(GatewayFixture.Ask("hi", with: new { stream }), _id, fault: $"length=9; {fault}");
        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["error"]!;
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal($"{status}", (string?)error["code"]);
        Assert.Equal("60", Assert.Single(response.Headers.GetValues("x-litellm-timeout")));
        Assert.False(response.Headers.Contains("x-litellm-version"));
        Assert.Equal(("failed", tokens), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Fact]
    public async Task a_stall_without_an_end_lasts_until_the_client_leaves()
    {
        using (var response = await gateway.PostAsync(StreamContents.Ask(), _id, fault: "length=9; stall=4"))
        {
            await StreamContents.ReadAsync(response, 4);
        }

        var served = await gateway.UntilServedAsync(_id, served => (bool?)served["finished"] == true);
        Assert.Equal(("client_gone", 4), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Fact]
    public async Task an_error_in_a_stream_is_its_last_event()
    {
        var events = await gateway.StreamAsync(StreamContents.Ask(), _id, "length=9; error=4");
        var error = JsonNode.Parse(events[^1])!["error"]!;
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(5, events.Count);
        Assert.Equal(("None", "None", "503"), ((string?)error["type"], (string?)error["param"], (string?)error["code"]));
        Assert.Contains("MidStreamFallbackError", (string?)error["message"], StringComparison.Ordinal);
        Assert.StartsWith("""{"error": {"message": "litellm""", events[^1], StringComparison.Ordinal);
        Assert.Equal(("failed", 4), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(4, true)]
    [InlineData(4, false)]
    public async Task a_reset_cuts_the_connection_of_the_client(int after, bool stream)
    {
        var seen = 0;
        var exception = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var response = await gateway.PostAsync(GatewayFixture.Ask("hi", with: new { stream }), _id, fault: $"length=9; reset={after}");
            await foreach (var _ in StreamContents.AllAsync(response))
            {
                seen++;
            }
        });
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(exception.GetBaseException()).SocketErrorCode);
        Assert.Equal(stream ? after : 0, seen);
        Assert.Equal(("failed", after), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Theory]
    [InlineData("chat-default")]
    [InlineData("fast-reasoning")]
    public async Task a_reset_of_the_provider_looks_like_an_end_with_a_guessed_usage(string model)
    {
        var events = await gateway.StreamAsync(StreamContents.Ask(model), _id, "length=9; upstream-reset=4");
        var usage = JsonNode.Parse(events[^2])!["usage"]!.AsObject();
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(4, events.Count(data => StreamContents.ContentOf(data) is not null));
        Assert.Equal("stop", (string?)JsonNode.Parse(events[^3])!["choices"]![0]!["finish_reason"]);
        Assert.Equal(["completion_tokens", "prompt_tokens", "total_tokens"], usage.Select(member => member.Key));
        Assert.Equal(4, (int?)usage["completion_tokens"]);
        Assert.Equal((int?)served["prompt_tokens"], (int?)usage["prompt_tokens"]);
        Assert.Equal("[DONE]", events[^1]);
        // The proxy cannot know how long the model thought.
        Assert.Equal("failed", (string?)served["outcome"]);
        Assert.Equal(4, (int)served["completion_tokens"]! - (int)served["reasoning_tokens"]!);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    public async Task an_early_end_has_neither_a_finish_reason_nor_done(int after)
    {
        using var response = await gateway.PostAsync(StreamContents.Ask(), _id, fault: $"length=9; eof={after}");
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(after, body.Split("data: ").Length - 1);
        Assert.DoesNotContain("finish_reason", body, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", body, StringComparison.Ordinal);
        Assert.Equal(("failed", after), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Theory]
    [InlineData("error=4")]
    [InlineData("eof=4")]
    [InlineData("upstream-reset=4")]
    [InlineData("upstream-eof=4")]
    [InlineData("stall=4; for=1")]
    public async Task a_break_beyond_the_end_of_the_text_strikes_there(string fault)
    {
        var events = await gateway.StreamAsync(StreamContents.Ask(), _id, $"length=3; {fault}");

        Assert.Equal(3, events.Count(data => StreamContents.ContentOf(data) is not null));
        Assert.Equal("failed", (string?)(await gateway.ServedAsync(_id))["outcome"]);
    }
}
