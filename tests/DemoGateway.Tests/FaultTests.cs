using System.Net;
using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>The faults that decide how long an answer is and when it comes, as a client sees them and as the record has them.</summary>
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

    [Theory]
    [InlineData("echo", 1)]
    [InlineData("echo=3", 3)]
    public async Task an_echo_says_the_question_again(string fault, int times)
    {
        const string Question = "\n> **é** <script>";
        var answer = await gateway.CompleteAsync(GatewayFixture.Ask($"{Question}\n<<demo {fault} pace=0>>"), _id);

        Assert.Equal(string.Concat(Enumerable.Repeat(Question, times)), (string?)answer["choices"]![0]!["message"]!["content"]);
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
        using var response = await slow.PostAsync(StreamContents.Ask(), _id, fault: "length=20; pace=0; latency=0");
        var events = await GatewayFixture.ReadEventsAsync(response);

        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal(20, events.Count(data => StreamContents.ContentOf(data) is not null));
    }

    [Fact]
    public async Task a_slow_pace_is_kept()
    {
        using (var response = await gateway.PostAsync(StreamContents.Ask(), _id, fault: "pace=0.0001"))
        {
            await StreamContents.ReadAsync(response, 1);
        }

        var served = await gateway.UntilServedAsync(_id, served => (bool?)served["finished"] == true);
        Assert.Equal(("client_gone", 1), ((string?)served["outcome"], (int)served["completion_tokens"]!));
    }

    /// <summary>What follows the last token of three: <c>R</c> a finish reason, <c>U</c> the true usage, <c>-</c> an event without any, <c>D</c> the end.</summary>

    [Fact]
    public async Task a_held_stream_waits_where_it_was_told_until_it_is_released()
    {
        using var response = await gateway.PostAsync(StreamContents.Ask(), _id, fault: $"length=9; hold={_id}-a@3; hold={_id}-b@5");
        await using var contents = StreamContents.AllAsync(response).GetAsyncEnumerator(TestContext.Current.CancellationToken);
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

        Assert.Equal("[DONE]", (await gateway.StreamAsync(StreamContents.Ask(), _id, $"length=3; hold={_id}"))[^1]);
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
        using var response = await gateway.PostAsync(StreamContents.Ask(), _id, fault: $"length=9; usage=cumulative; hold={_id}@4; reset=4");
        await using var contents = StreamContents.AllAsync(response).GetAsyncEnumerator(TestContext.Current.CancellationToken);
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

    private async Task<(string Text, JsonNode? Usage)> AnswerAsync(string fault, bool stream, int? seed = null)
    {
        var with = new { stream, stream_options = new { include_usage = true }, seed };
        var request = GatewayFixture.Ask("Explain rain", with: with);
        var callId = seed is null ? _id : null;
        if (stream)
        {
            var events = await gateway.StreamAsync(request, callId, fault);
            return (string.Concat(events.Select(StreamContents.ContentOf)), JsonNode.Parse(events[^2])!["usage"]);
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
