using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>Each fault as a client sees it and as the record has it.</summary>
public class FaultTests(GatewayFixture gateway, FaultTests.SlowGateway slow) : IClassFixture<GatewayFixture>, IClassFixture<FaultTests.SlowGateway>
{
    private static int _lastId;
    private readonly string _id = $"fault-{Interlocked.Increment(ref _lastId)}";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_length_is_kept_to_the_token_and_the_text_is_prose(bool stream)
    {
        var (text, usage) = await AnswerAsync("length=200", stream);
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(200, Tokenizer.Split(text).Sum(piece => piece.Tokens));
        Assert.Equal(200, (int?)usage!["completion_tokens"]);
        Assert.Equal((200, "completed"), ((int)served["completion_tokens"]!, (string?)served["outcome"]));
        Assert.Equal(text, (await AnswerAsync("length=200", stream)).Text);
        Assert.NotEqual(text, (await AnswerAsync("length=200", stream, seed: 7)).Text);
    }

    [Theory]
    [InlineData("fast-reasoning")]
    [InlineData("chat-default")]
    public async Task a_length_is_of_what_can_be_seen_and_a_limit_of_the_request_stands(string model)
    {
        var request = GatewayFixture.Ask("hi", model, new { max_tokens = 50 });
        var answer = await gateway.CompleteAsync(request, _id, "length=100");

        Assert.Equal("length", (string?)answer["choices"]![0]!["finish_reason"]);
        Assert.Equal(50, (int?)answer["usage"]!["completion_tokens"]);
    }

    [Fact]
    public async Task a_latency_is_waited_for_and_the_call_is_on_record_meanwhile()
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var call = SendAsync("latency=86400000", leaving.Token);
        var waiting = await gateway.UntilServedAsync(_id, _ => true);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        var gone = await gateway.UntilServedAsync(_id, served => (bool?)served["finished"] == true);

        Assert.Equal(0, (int?)waiting["completion_tokens"]);
        Assert.Equal(("client_gone", 0), ((string?)gone["outcome"], (int)gone["completion_tokens"]!));
    }

    [Fact]
    public async Task a_pace_replaces_the_gateways()
    {
        // A token in three hours, as configured; then as fast as possible.
        using var response = await slow.PostAsync(Ask(), _id, fault: "length=20; pace=0; latency=0");
        var events = await GatewayFixture.ReadEventsAsync(response);

        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal(20, events.Count(data => ContentOf(data) is not null));
    }

    [Fact]
    public async Task a_slow_pace_is_kept()
    {
        using (var response = await gateway.PostAsync(Ask(), _id, fault: "pace=0.0001"))
        {
            await ReadContentsAsync(response, 1);
        }

        var served = await gateway.UntilServedAsync(_id, served => (bool?)served["finished"] == true);
        Assert.Equal(("client_gone", 1), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    /// <summary>What follows the last token of three: <c>R</c> a finish reason, <c>U</c> the true usage, <c>-</c> an event without any, <c>D</c> the end.</summary>
    [Theory]
    [InlineData("usage=none", "T T T R D")]
    [InlineData("usage=zero", "T T T R Z D")]
    [InlineData("usage=guess", "T T T R G D")]
    [InlineData("usage=late; for=1", "T T T R - - U - D")]
    [InlineData("usage=repeated", "T T T R U U D")]
    [InlineData("usage=mid", "T U T T R D")]
    [InlineData("usage=cumulative", "TC TC TC R U D")]
    public async Task a_stream_tells_its_usage_as_asked(string fault, string expected)
    {
        var events = await gateway.StreamAsync(Ask(), _id, $"length=3; {fault}");
        var served = await gateway.ServedAsync(_id);
        var prompt = (int)served["prompt_tokens"]!;
        var running = 0;

        Assert.Equal(expected, string.Join(' ', events.Select(Shape)));
        Assert.Equal(("completed", 3), ((string?)served["outcome"], (int)served["completion_tokens"]!));

        string Shape(string data)
        {
            if (data == "[DONE]")
            {
                return "D";
            }

            var chunk = JsonNode.Parse(data)!;
            var what = ContentOf(data) is not null ? "T" : chunk["choices"]![0]!["finish_reason"] is not null ? "R" : "";
            running += what == "T" ? 1 : 0;
            var (told, completion) = ((int?)chunk["usage"]?["prompt_tokens"], (int?)chunk["usage"]?["completion_tokens"]);
            return what + (told, completion, chunk["usage"]?["prompt_tokens_details"] is null) switch
            {
                (null, null, _) => what.Length > 0 ? "" : "-",
                (0, 0, false) => "Z",
                (var p, 3, true) when p == prompt => "G",
                (var p, 3, false) when p == prompt && what.Length == 0 => "U",
                (var p, var c, false) when p == prompt && c == running => "C",
                var other => $"?{other}",
            };
        }
    }

    [Fact]
    public async Task a_stream_that_was_not_asked_for_its_usage_tells_none_in_any_form()
    {
        foreach (var form in (string[])["zero", "guess", "late", "mid", "repeated", "cumulative"])
        {
            var events = await gateway.StreamAsync(GatewayFixture.Ask("hi", with: new { stream = true }), fault: $"length=3; usage={form}");

            Assert.DoesNotContain(events, data => data.Contains("\"usage\"", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("none", null, null)]
    [InlineData("zero", 0, true)]
    [InlineData("guess", 3, false)]
    [InlineData("late", 3, true)]
    [InlineData("mid", 3, true)]
    [InlineData("repeated", 3, true)]
    [InlineData("cumulative", 3, true)]
    public async Task one_body_has_one_usage_or_none(string form, int? completion, bool? details)
    {
        var usage = (await gateway.CompleteAsync(GatewayFixture.Ask("hi"), _id, $"length=3; usage={form}")).AsObject()["usage"];

        Assert.Equal(completion, (int?)usage?["completion_tokens"]);
        Assert.Equal(details, usage is null ? null : usage["prompt_tokens_details"] is not null);
        Assert.Equal(3, (int?)(await gateway.ServedAsync(_id))["completion_tokens"]);
    }

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

    [Fact]
    public async Task a_stall_ends_with_the_error_of_a_time_out_and_no_done()
    {
        var events = await gateway.StreamAsync(Ask(), _id, "length=9; stall=4; for=1");
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(4, events.Count(data => ContentOf(data) is not null));
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
        using (var response = await gateway.PostAsync(Ask(), _id, fault: "length=9; stall=4"))
        {
            await ReadContentsAsync(response, 4);
        }

        var served = await gateway.UntilServedAsync(_id, served => (bool?)served["finished"] == true);
        Assert.Equal(("client_gone", 4), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Fact]
    public async Task an_error_in_a_stream_is_its_last_event()
    {
        var events = await gateway.StreamAsync(Ask(), _id, "length=9; error=4");
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
            await foreach (var _ in ContentsAsync(response))
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
        var events = await gateway.StreamAsync(Ask(model), _id, "length=9; upstream-reset=4");
        var usage = JsonNode.Parse(events[^2])!["usage"]!.AsObject();
        var served = await gateway.ServedAsync(_id);

        Assert.Equal(4, events.Count(data => ContentOf(data) is not null));
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
        using var response = await gateway.PostAsync(Ask(), _id, fault: $"length=9; eof={after}");
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
        var events = await gateway.StreamAsync(Ask(), _id, $"length=3; {fault}");

        Assert.Equal(3, events.Count(data => ContentOf(data) is not null));
        Assert.Equal("failed", (string?)(await gateway.ServedAsync(_id))["outcome"]);
    }

    [Fact]
    public async Task a_streamed_fallback_is_told_by_the_headers_alone()
    {
        using var response = await gateway.PostAsync(Ask(), _id, fault: "fallback; length=5");
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
        using var response = await gateway.PostAsync(Ask(), _id, fault: "fallback; length=5; proxy=newer");
        using var usual = await gateway.PostAsync(Ask(), fault: "length=5; proxy=newer");
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
        var whole = (await AnswerAsync("length=9", stream: true)).Text;
        using var response = await gateway.PostAsync(Ask(), _id + "-mid", fault: "length=9; fallback-mid=4");
        var events = await GatewayFixture.ReadEventsAsync(response);
        var chunks = events.SkipLast(1).Select(data => JsonNode.Parse(data)!).ToArray();
        var usage = chunks[^1]["usage"]!;
        var served = await gateway.AllServedAsync(_id + "-mid");

        Assert.StartsWith("chat-default-openai-", Assert.Single(response.Headers.GetValues("x-litellm-model-id")), StringComparison.Ordinal);
        Assert.Equal(whole, string.Concat(events.Select(ContentOf)));
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
        var events = await gateway.StreamAsync(Ask(), _id, "length=9; fallback-mid=3@gemini-default; error=5");
        var served = await gateway.AllServedAsync(_id);

        Assert.Equal(5, events.Count(data => ContentOf(data) is not null));
        Assert.Contains("GeminiException", events[^1], StringComparison.Ordinal);
        Assert.Equal([("failed", 3, "chat-default"), ("failed", 2, "gemini-default")], served.Select(Told));
    }

    [Fact]
    public async Task a_short_answer_leaves_its_last_token_to_the_fallback()
    {
        await gateway.StreamAsync(Ask(), _id, "length=3; fallback-mid=100");

        Assert.Equal([("failed", 2, "chat-default"), ("completed", 1, "claude-default")], (await gateway.AllServedAsync(_id)).Select(Told));
    }

    [Fact]
    public async Task retries_are_told_on_plain_answers_only()
    {
        using var plain = await gateway.PostAsync(GatewayFixture.Ask("hi"), fault: "retries=2");
        using var streamed = await gateway.PostAsync(Ask(), fault: "retries=2");
        using var usual = await gateway.PostAsync(GatewayFixture.Ask("hi"));

        Assert.Equal("2", Assert.Single(plain.Headers.GetValues("x-litellm-attempted-retries")));
        Assert.Equal("2", Assert.Single(plain.Headers.GetValues("x-litellm-max-retries")));
        Assert.False(streamed.Headers.Contains("x-litellm-attempted-retries"));
        Assert.False(usual.Headers.Contains("x-litellm-max-retries"));
    }

    [Fact]
    public async Task a_held_stream_waits_where_it_was_told_until_it_is_released()
    {
        using var response = await gateway.PostAsync(Ask(), _id, fault: $"length=9; hold={_id}-a@3; hold={_id}-b@5");
        await using var contents = ContentsAsync(response).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var seen = 0;
        foreach (var (name, at) in ((string, int)[])[("a", 3), ("b", 5)])
        {
            while (seen < at)
            {
                Assert.True(await contents.MoveNextAsync());
                seen++;
            }

            Assert.Equal(at, (int?)(await gateway.ServedAsync(_id))["completion_tokens"]);
            await ReleaseAsync($"{_id}-{name}");
        }

        while (await contents.MoveNextAsync())
        {
            seen++;
        }

        Assert.Equal(9, seen);
        Assert.Equal("completed", (string?)(await gateway.ServedAsync(_id))["outcome"]);
    }

    [Fact]
    public async Task a_hold_that_was_released_before_does_not_hold()
    {
        await ReleaseAsync(_id);

        Assert.Equal("[DONE]", (await gateway.StreamAsync(Ask(), _id, $"length=3; hold={_id}"))[^1]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_held_call_ends_when_its_client_leaves(bool stream)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var call = SendAsync($"length=9; hold={_id}@4", leaving.Token, stream);
        await gateway.UntilServedAsync(_id, served => (int?)served["completion_tokens"] == 4);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        var served = await gateway.UntilServedAsync(_id, served => (bool?)served["finished"] == true);

        Assert.Equal(("client_gone", 4), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    [Fact]
    public async Task a_held_answer_can_break_where_it_was_held()
    {
        using var response = await gateway.PostAsync(Ask(), _id, fault: $"length=9; usage=cumulative; hold={_id}@4; reset=4");
        await using var contents = ContentsAsync(response).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        for (var i = 0; i < 4; i++)
        {
            Assert.True(await contents.MoveNextAsync());
        }

        await ReleaseAsync(_id);

        await Assert.ThrowsAnyAsync<IOException>(async () => await contents.MoveNextAsync());
        Assert.Equal("failed", (string?)(await gateway.ServedAsync(_id))["outcome"]);
    }

    [Fact]
    public async Task a_release_needs_a_name_and_the_key()
    {
        using var nameless = await gateway.Client.PostAsync(new Uri("/_demo/release", UriKind.Relative), null, TestContext.Current.CancellationToken);
        using var keyless = await gateway.Anonymous.PostAsync(new Uri("/_demo/release?name=x", UriKind.Relative), null, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, nameless.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, keyless.StatusCode);
    }

    private static string Ask(string model = "chat-default") =>
        GatewayFixture.Ask("Explain rain", model, new { stream = true, stream_options = new { include_usage = true } });

    private static (string? Outcome, int Tokens, string? Alias) Told(JsonObject served) =>
        ((string?)served["outcome"], (int)served["completion_tokens"]!, (string?)served["alias"]);

    private static string? ContentOf(string data) =>
        data == "[DONE]" ? null : (string?)JsonNode.Parse(data)!["choices"]?[0]!["delta"]!["content"];

    private static async Task ReadContentsAsync(HttpResponseMessage response, int count)
    {
        await using var contents = ContentsAsync(response).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        for (var i = 0; i < count; i++)
        {
            Assert.True(await contents.MoveNextAsync());
        }
    }

    /// <summary>The texts of a stream as they come.</summary>
    private static async IAsyncEnumerable<string> ContentsAsync(HttpResponseMessage response)
    {
        // Left open: a test goes on reading, or leaves by disposing of the response.
        var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        while (await reader.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && ContentOf(line["data: ".Length..]) is { } content)
            {
                yield return content;
            }
        }
    }

    private async Task<(string Text, JsonNode? Usage)> AnswerAsync(string fault, bool stream, int? seed = null)
    {
        var with = new { stream, stream_options = new { include_usage = true }, seed };
        var request = GatewayFixture.Ask("Explain rain", with: with);
        var callId = seed is null ? _id : null;
        if (stream)
        {
            var events = await gateway.StreamAsync(request, callId, fault);
            return (string.Concat(events.Select(ContentOf)), JsonNode.Parse(events[^2])!["usage"]);
        }

        var answer = await gateway.CompleteAsync(request, callId, fault);
        return ((string)answer["choices"]![0]!["message"]!["content"]!, answer["usage"]);
    }

    /// <summary>Reads an answer to its end, as a client that can be told to leave.</summary>
    private async Task SendAsync(string fault, CancellationToken leaving, bool stream = true)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(GatewayFixture.Ask("Explain rain", with: new { stream })),
            Headers = { { "x-litellm-call-id", _id }, { "x-demo-fault", fault } },
        };
        using var response = await gateway.Client.SendAsync(request, leaving);
    }

    private async Task ReleaseAsync(string name)
    {
        using var response = await gateway.Client.PostAsync(new Uri($"/_demo/release?name={name}", UriKind.Relative), null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    public class SlowGateway() : GatewayFixture(
        [KeyValuePair.Create("Gateway:TokensPerSecond", "0.0001"), KeyValuePair.Create("Gateway:TimeToFirstTokenMs", "86000000")]);
}
