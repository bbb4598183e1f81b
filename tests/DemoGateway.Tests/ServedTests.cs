using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Tests;

public class ServedTests(GatewayFixture gateway, ServedTests.PacedGateway paced)
    : IClassFixture<GatewayFixture>, IClassFixture<ServedTests.PacedGateway>, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("demo-gateway-log-");

    [Theory]
    [InlineData("chat-default", "openai", "gpt-6-luna", true)]
    [InlineData("claude-default", "anthropic", "claude-sonnet-5-5", false)]
    [InlineData("strong-reasoning", "openai", "gpt-6.1-sol", true)]
    public async Task the_record_equals_the_usage_the_client_was_told(string model, string provider, string servedModel, bool stream)
    {
        var callId = $"record-{model}";
        var request = GatewayFixture.Ask("Explain rain", model, new { stream, stream_options = new { include_usage = true } });
        var usage = stream
            ? JsonNode.Parse((await gateway.StreamAsync(request, callId))[^2])!["usage"]!
            : (await gateway.CompleteAsync(request, callId))["usage"]!;
        var served = await gateway.ServedAsync(callId);

        Assert.Equal(callId, (string?)served["call_id"]);
        Assert.Equal(model, (string?)served["alias"]);
        Assert.Equal(provider, (string?)served["provider"]);
        Assert.Equal(servedModel, (string?)served["served_model"]);
        Assert.StartsWith(model, (string?)served["model_id"], StringComparison.Ordinal);
        Assert.Equal(stream, (bool?)served["stream"]);
        Assert.Equal((int?)usage["prompt_tokens"], (int?)served["prompt_tokens"]);
        Assert.Equal((int?)usage["completion_tokens"], (int?)served["completion_tokens"]);
        Assert.Equal((int?)usage["completion_tokens_details"]!["reasoning_tokens"], (int?)served["reasoning_tokens"]);
        Assert.Equal((int?)usage["prompt_tokens_details"]!["cached_tokens"], (int?)served["cached_tokens"]);
        Assert.True((bool?)served["finished"]);
        Assert.Equal("completed", (string?)served["outcome"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_client_that_goes_away_stops_the_model_and_is_recorded(bool stream)
    {
        var callId = $"gone-{stream}";
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(GatewayFixture.Ask("Explain rain", with: new { stream })),
            Headers = { { "x-litellm-call-id", callId } },
        };
        var call = paced.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
        await paced.UntilServedAsync(callId, served => (int?)served["completion_tokens"] >= 3);
        if (stream)
        {
            (await call).Dispose();
        }
        else
        {
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }

        var served = await paced.UntilServedAsync(callId, served => (bool?)served["finished"] == true);
        Assert.Equal("client_gone", (string?)served["outcome"]);
        // The answer has well over a hundred tokens; at 40 a second it would have run for seconds.
        Assert.InRange((int)served["completion_tokens"]!, 3, 100);
    }

    [Fact]
    public async Task a_running_call_is_told_with_the_tokens_so_far()
    {
        using var response = await paced.PostAsync(GatewayFixture.Ask("Explain rain", with: new { stream = true }), "running");
        var served = await paced.UntilServedAsync("running", served => (int?)served["completion_tokens"] >= 2);

        Assert.False((bool?)served["finished"]);
        Assert.True(served.ContainsKey("outcome"));
        Assert.Null(served["outcome"]);
    }

    [Fact]
    public async Task a_call_id_used_twice_makes_two_records()
    {
        await gateway.CompleteAsync(GatewayFixture.Ask("hi"), "twice");
        await gateway.CompleteAsync(GatewayFixture.Ask("hi"), "twice");
        var body = await gateway.Client.GetStringAsync(new Uri("/_demo/served?call_id=twice", UriKind.Relative), TestContext.Current.CancellationToken);
        var records = JsonNode.Parse(body)!["data"]!.AsArray();

        Assert.Equal(2, records.Select(record => (string?)record!["id"]).Distinct().Count());
    }

    [Fact]
    public async Task a_log_continues_its_file_and_a_torn_line_spoils_nothing()
    {
        var path = Path.Combine(_folder.FullName, "deep", "served.jsonl");
        using (var log = new ServedLog(path, TimeProvider.System))
        {
            log.Accept(Head("first")).Count(3, reasoning: false);
        }

        await File.AppendAllTextAsync(path, "{\"id\":\"half a li", TestContext.Current.CancellationToken);
        using (var log = new ServedLog(path, TimeProvider.System))
        {
            var meter = log.Accept(Head("second"));
            meter.Count(2, reasoning: true);
            meter.Count(1, reasoning: false);
            meter.Finish(ServedOutcome.Completed);
            meter.Finish(ServedOutcome.Failed);
            using var index = new ServedIndex(log);

            Assert.Equal([("first", 3, 0, null), ("second", 3, 2, ServedOutcome.Completed)], (await ReadAsync(index)).Data.Select(Told));
        }
    }

    [Fact]
    public async Task an_index_goes_on_where_it_was()
    {
        using var log = new ServedLog(Path.Combine(_folder.FullName, "served.jsonl"), TimeProvider.System);
        using var index = new ServedIndex(log);
        var first = log.Accept(Head("first"));
        first.Count(1, reasoning: false);
        var before = await ReadAsync(index);
        first.Count(2, reasoning: true);
        first.Finish(ServedOutcome.Completed);
        log.Accept(Head("second")).Count(5, reasoning: false);
        var after = await ReadAsync(index);

        Assert.Equal([("first", 1, 0, null)], before.Data.Select(Told));
        Assert.Equal([("first", 3, 2, ServedOutcome.Completed), ("second", 5, 0, null)], after.Data.Select(Told));
    }

    [Fact]
    public async Task an_index_tells_what_came_after_a_call_and_what_has_an_id()
    {
        using var log = new ServedLog(Path.Combine(_folder.FullName, "served.jsonl"), TimeProvider.System);
        using var index = new ServedIndex(log);
        foreach (var callId in (string[])["a", "b", "a", "c"])
        {
            log.Accept(Head(callId));
        }

        var all = (await ReadAsync(index)).Data;

        Assert.Equal(["a", "b", "a", "c"], all.Select(call => call.CallId));
        Assert.Equal(all.Skip(2), (await ReadAsync(index, since: all[1].Id)).Data);
        Assert.Equal([all[2]], (await ReadAsync(index, "a", all[0].Id)).Data);
        Assert.Empty((await ReadAsync(index, since: all[3].Id)).Data);
        Assert.Equal(all, (await ReadAsync(index, since: Guid.NewGuid())).Data);
    }

    [Fact]
    public async Task an_index_lets_go_of_the_oldest_calls_and_says_so()
    {
        using var log = new ServedLog(Path.Combine(_folder.FullName, "served.jsonl"), TimeProvider.System);
        using var index = new ServedIndex(log, capacity: 20);
        foreach (var i in Enumerable.Range(0, 25))
        {
            log.Accept(Head($"{i}")).Count(i, reasoning: false);
        }

        var list = await ReadAsync(index);

        Assert.Equal(6, list.LeftOut);
        Assert.Equal(Enumerable.Range(6, 19).Select(i => ($"{i}", i)), list.Data.Select(call => (call.CallId, call.CompletionTokens)));
    }

    [Fact]
    public async Task an_index_reads_lines_that_are_longer_than_its_buffer()
    {
        using var log = new ServedLog(Path.Combine(_folder.FullName, "served.jsonl"), TimeProvider.System);
        using var index = new ServedIndex(log);
        var callId = new string('x', 3_000_000);
        log.Accept(Head(callId)).Finish(ServedOutcome.Failed);
        log.Accept(Head("next")).Count(1, reasoning: false);

        Assert.Equal([(callId, 0, 0, ServedOutcome.Failed), ("next", 1, 0, null)], (await ReadAsync(index)).Data.Select(Told));
    }

    [Fact]
    public async Task many_calls_at_once_leave_whole_lines()
    {
        var path = Path.Combine(_folder.FullName, "served.jsonl");
        using var log = new ServedLog(path, TimeProvider.System);
        Parallel.For(0, 50, i =>
        {
            var meter = log.Accept(Head($"call-{i}"));
            for (var token = 0; token < 100; token++)
            {
                meter.Count(1, reasoning: false);
            }

            meter.Finish(ServedOutcome.Completed);
        });
        using var index = new ServedIndex(log);
        var calls = (await ReadAsync(index)).Data;

        Assert.Equal(50, calls.Count);
        Assert.All(calls, call => Assert.Equal((100, ServedOutcome.Completed), (call.CompletionTokens, call.Outcome)));
    }

    public void Dispose()
    {
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private static ServedCallHead Head(string callId) => new(callId, "id", "alias", "openai", "gpt", true, 5, 0, 0);

    private static (string CallId, int Tokens, int Reasoning, ServedOutcome? Outcome) Told(ServedCall call) =>
        (call.CallId, call.CompletionTokens, call.ReasoningTokens, call.Outcome);

    private static Task<ServedList> ReadAsync(ServedIndex index, string? callId = null, Guid? since = null) =>
        index.ReadAsync(callId, since, TestContext.Current.CancellationToken);

    public class PacedGateway() : GatewayFixture([KeyValuePair.Create("Gateway:TokensPerSecond", "40")]);
}
