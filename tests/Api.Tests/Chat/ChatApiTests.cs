using System.Net;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Chat;

public class ChatApiTests
{
    [Fact]
    public async Task an_answer_is_a_run_deltas_usage_and_done_each_with_an_id()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateReadyClientAsync();

        using var response = await client.ChatAsync(new { message = "Hi" });
        var events = await response.ReadAllEventsAsync();

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(["run", "delta", "delta", "usage", "done"], events.Select(e => e.Type));
        var run = events[0].Data;
        var runId = run.GetProperty("runId").GetGuid();
        Assert.Equal(7, runId.Version);
        Assert.Equal(Enumerable.Range(1, 5).Select(n => $"{runId}:1:{n}"), events.Select(e => e.Id));
        Assert.Equal("chat-default", run.GetProperty("model").GetString());
        Assert.Equal("Hello, world", string.Concat(events.Where(e => e.Type == "delta").Select(e => e.Data.GetProperty("text").GetString())));

        var row = Assert.Single(api.Writer.Events);
        var usage = events[3].Data;
        Assert.Equal(row.Id, usage.GetProperty("callId").GetGuid());
        Assert.Equal("chat-default", usage.GetProperty("model").GetString());
        Assert.Equal("openai", usage.GetProperty("provider").GetString());
        Assert.Equal("gpt-4o-mini", usage.GetProperty("servedModel").GetString());
        Assert.Equal(11, usage.GetProperty("promptTokens").GetInt64());
        Assert.Equal(8, usage.GetProperty("completionTokens").GetInt64());
        Assert.Equal(4, usage.GetProperty("cachedPromptTokens").GetInt64());
        Assert.Equal(3, usage.GetProperty("reasoningTokens").GetInt64());
        Assert.Equal("provider", usage.GetProperty("source").GetString());
        Assert.Equal("completed", usage.GetProperty("outcome").GetString());
        Assert.Equal("stop", events[4].Data.GetProperty("finishReason").GetString());

        Assert.Equal(row.RequestId, run.GetProperty("requestId").GetGuid());
        Assert.Equal(row.ConversationId, run.GetProperty("conversationId").GetGuid());
        Assert.Equal(row.Traceparent!.Split('-')[1], run.GetProperty("traceId").GetString());
        Assert.Equal(row.Traceparent!.Split('-')[1], usage.GetProperty("traceId").GetString());
        Assert.Equal(UsageOperation.Chat, row.Operation);
    }
}
