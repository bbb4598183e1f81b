using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http;

namespace LlmAspire.Api.Tests.Chat;

public class ChatApiTests
{
    [Fact]
    public async Task an_answer_is_a_run_deltas_usage_and_done_each_with_an_id()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();

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

    [Fact]
    public async Task the_gateway_is_asked_for_the_model_with_user_cap_and_usage()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();

        using var response = await client.ChatAsync(new { message = "And now?", model = "claude-default", tools = Array.Empty<string>() });
        var events = await response.ReadAllEventsAsync();

        var conversation = events[0].Data.GetProperty("conversationId").GetGuid();
        var row = Assert.Single(api.Writer.Events);
        Assert.Equal((conversation, "claude-default"), (row.ConversationId!.Value, row.ModelAlias));
        var seen = Assert.Single(gateway.Chats);
        Assert.Equal("claude-default", seen.Body.GetProperty("model").GetString());
        Assert.Equal(row.UserId.ToString(), seen.Body.GetProperty("user").GetString());
        Assert.Equal(8192, seen.Body.GetProperty("max_completion_tokens").GetInt32());
        Assert.True(seen.Body.GetProperty("stream_options").GetProperty("include_usage").GetBoolean());
        Assert.Equal(
            ["user:And now?"],
            seen.Body.GetProperty("messages").EnumerateArray().Select(m => $"{m.GetProperty("role").GetString()}:{Text(m.GetProperty("content"))}"));
        Assert.Equal($"Bearer {TestGateway.Key}", seen.Headers["Authorization"]);
        Assert.Equal(row.Id.ToString(), seen.Headers["x-litellm-call-id"]);
        Assert.Contains(row.Traceparent!.Split('-')[1], seen.Headers["traceparent"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task the_cap_is_the_models_own_limit_when_that_is_lower()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();

        using var response = await client.ChatAsync(new { message = "Hi", model = "chat-default" });
        await response.ReadAllEventsAsync();

        Assert.Equal(4096, Assert.Single(gateway.Chats).Body.GetProperty("max_completion_tokens").GetInt32());
    }

    [Theory]
    [InlineData("error event", "provider_failed")]
    [InlineData("end in the middle", "answer_incomplete")]
    [InlineData("no JSON", "answer_unreadable")]
    public async Task a_stream_that_fails_ends_with_usage_and_error_in_our_words(string shape, string code)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(Answers.Content + shape switch
        {
            "error event" => Answers.ErrorEvent,
            "no JSON" => "data: <html>\n\n",
            _ => "",
        });
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();

        using var response = await client.ChatAsync(new { message = "Hi" });
        var events = await response.ReadAllEventsAsync();

        Assert.Equal(["run", "delta", "delta", "usage", "error"], events.Select(e => e.Type));
        Assert.Equal("failed", events[^2].Data.GetProperty("outcome").GetString());
        var error = events[^1].Data;
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Equal(events[0].Data.GetProperty("traceId").GetString(), error.GetProperty("traceId").GetString());
        Assert.All(["type", "title", "detail"], name => Assert.NotEqual("", error.GetProperty(name).GetString()));
        Assert.InRange(error.GetProperty("status").GetInt32(), 500, 599);
        Assert.DoesNotContain("secret-upstream", error.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(UsageOutcome.Failed, Assert.Single(api.Writer.Events).Outcome);
    }

    [Fact]
    public async Task a_reset_in_the_middle_ends_with_usage_and_error()
    {
        var firstDelta = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendAndReset(Answers.Content, "text/event-stream", firstDelta.Task);
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();

        using var response = await client.ChatAsync(new { message = "Hi" });
        var types = new List<string>();
        await foreach (var item in response.ReadEventsAsync())
        {
            types.Add(item.Type);
            firstDelta.TrySetResult();
            if (item.Type == "error")
            {
                Assert.Equal("gateway_connection_lost", item.Data.GetProperty("code").GetString());
            }
        }

        Assert.Equal(["run", "delta", "delta", "usage", "error"], types);
        Assert.Equal(UsageOutcome.Failed, Assert.Single(api.Writer.Events).Outcome);
    }

    [Theory]
    [InlineData(500, HttpStatusCode.BadGateway, "provider_failed")]
    [InlineData(429, HttpStatusCode.ServiceUnavailable, "model_busy")]
    [InlineData(401, HttpStatusCode.BadGateway, "gateway_credentials_refused")]
    public async Task a_failure_before_the_answer_is_a_problem_of_its_own_in_our_words(int gatewayStatus, HttpStatusCode status, string code)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendJson(gatewayStatus, Answers.ErrorBody);
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();

        using var response = await client.ChatAsync(new { message = "Hi" });

        Assert.Equal(status, response.StatusCode);
        var problem = await response.ReadProblemAsync();
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.DoesNotContain("secret-upstream", problem.GetRawText(), StringComparison.Ordinal);
        Assert.Contains(api.Logs.Entries, entry => entry.Text.Contains("secret-upstream", StringComparison.Ordinal));
        Assert.Equal(UsageOutcome.Failed, Assert.Single(api.Writer.Events).Outcome);
    }

    [Fact]
    public async Task done_comes_only_when_the_usage_is_durable()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();
        var durable = api.Writer.Hold();

        using var response = await client.ChatAsync(new { message = "Hi" });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(TestContext.Current.CancellationToken);
        foreach (var type in new[] { "run", "delta", "delta" })
        {
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(type, events.Current.Type);
        }

        var next = events.MoveNextAsync().AsTask();
        await Until.TrueAsync(() => api.Writer.Events.Count == 1);
        Assert.False(next.IsCompleted);

        durable.SetResult();
        Assert.True(await next);
        Assert.Equal("usage", events.Current.Type);
        Assert.True(await events.MoveNextAsync());
        Assert.Equal("done", events.Current.Type);
        Assert.False(await events.MoveNextAsync());
    }

    [Fact]
    public async Task without_a_ledger_the_stream_ends_with_an_error_and_no_usage()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Usage:SettleTimeout"] = "00:00:00.050" } };
        var client = await api.CreateSignedInClientAsync();
        api.Writer.Hold();

        using var response = await client.ChatAsync(new { message = "Hi" });
        var events = await response.ReadAllEventsAsync();

        Assert.Equal(["run", "delta", "delta", "error"], events.Select(e => e.Type));
        Assert.Equal("ledger_unavailable", events[^1].Data.GetProperty("code").GetString());
    }

    [Fact]
    public async Task stop_ends_the_stream_with_usage_and_done()
    {
        var clientGone = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendAndWait(Answers.Content, clientGone);
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();
        var events = new List<ReceivedEvent>();

        using var response = await client.ChatAsync(new { message = "Hi" });
        await foreach (var item in response.ReadEventsAsync())
        {
            events.Add(item);
            if (events.Count == 3)
            {
                var id = events[0].Data.GetProperty("runId").GetGuid();
                using var stopped = await client.DeleteAsync($"/chat/runs/{id}", TestContext.Current.CancellationToken);
                Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
            }
        }

        Assert.Equal(["run", "delta", "delta", "usage", "done"], events.Select(e => e.Type));
        Assert.Equal("stopped", events[^2].Data.GetProperty("outcome").GetString());
        Assert.Equal("estimated", events[^2].Data.GetProperty("source").GetString());
        Assert.Equal("stopped", events[^1].Data.GetProperty("finishReason").GetString());
        Assert.Equal(UsageOutcome.Stopped, Assert.Single(api.Writer.Events).Outcome);
        await clientGone.Task.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task a_model_that_thinks_long_can_be_stopped_before_its_first_word()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Chat:StartPatience"] = "00:00:00.050" } };
        var client = await api.CreateSignedInClientAsync();
        var types = new List<string>();

        using var response = await client.ChatAsync(new { message = "Hi" });
        await foreach (var item in response.ReadEventsAsync())
        {
            types.Add(item.Type);
            if (item.Type == "run")
            {
                // Before that there is no call that could be stopped.
                await Until.TrueAsync(() => !gateway.Chats.IsEmpty);
                await client.DeleteAsync($"/chat/runs/{item.Data.GetProperty("runId").GetGuid()}", TestContext.Current.CancellationToken);
            }
        }

        Assert.Equal(["run", "usage", "done"], types);
        Assert.Equal(UsageOutcome.Stopped, Assert.Single(api.Writer.Events).Outcome);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task a_client_that_goes_away_stops_nothing(bool beforeTheAnswer)
    {
        var left = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = async context =>
        {
            if (!beforeTheAnswer)
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync(Answers.Content);
                await context.Response.Body.FlushAsync();
            }

            await left.Task;
            if (beforeTheAnswer)
            {
                await Answers.SendStream(Answers.Stream)(context);
            }
            else
            {
                await context.Response.WriteAsync(Answers.Finish + Answers.Usage(Answers.UsageJson) + Answers.Done);
            }
        };
        await using var api = new ApiFactory(gateway.BaseUrl) { Settings = { ["Chat:StartPatience"] = "00:01:00" } };
        var client = await api.CreateSignedInClientAsync();
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/chat") { Content = JsonContent.Create(new { message = "Hi" }) };

        var posting = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
        await Until.TrueAsync(() => !gateway.Chats.IsEmpty);
        if (!beforeTheAnswer)
        {
            (await posting).Dispose();
        }

        await leaving.CancelAsync();
        left.SetResult();

        await Until.TrueAsync(() => api.Journal.Records is [.., RunEnd]);
        var end = Assert.IsType<RunEnd>(api.Journal.Records[^1]);
        Assert.Equal((MessageStatus.Complete, "stop", "Hello, world"), (end.Status, end.FinishReason, end.Content));
        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (Assert.Single(api.Writer.Events).Outcome, api.Writer.Events[0].Source));
    }

    [Fact]
    public async Task a_run_can_be_stopped_only_by_its_user()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendAndWait(Answers.Content);
        await using var api = new ApiFactory(gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        var owner = await api.CreateSignedInClientAsync("pro");
        var other = await api.CreateSignedInClientAsync("enterprise");

        using var response = await owner.ChatAsync(new { message = "Hi" });
        await using var events = response.ReadEventsAsync().GetAsyncEnumerator(TestContext.Current.CancellationToken);
        Assert.True(await events.MoveNextAsync());
        var path = $"/chat/runs/{events.Current.Data.GetProperty("runId").GetGuid()}";

        using var refused = await other.DeleteAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        Assert.Equal("run_unknown", (await refused.ReadProblemAsync()).GetProperty("code").GetString());

        using var stopped = await owner.DeleteAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, stopped.StatusCode);
    }

    [Fact]
    public async Task a_call_that_cannot_be_written_down_is_a_problem_that_says_when_to_come_back()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        using var client = await api.CreateSignedInClientAsync();
        api.Opener.Refusal = new LedgerUnavailableException("PostgreSQL is away.") { RetryAfter = TimeSpan.FromSeconds(7) };

        using var response = await client.ChatAsync(new { message = "Hi" });

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(7), response.Headers.RetryAfter?.Delta);
        Assert.Equal("ledger_unavailable", (await response.ReadProblemAsync()).GetProperty("code").GetString());
        Assert.Empty(gateway.Chats);
    }

    [Fact]
    public async Task the_row_names_the_span_of_the_call_and_no_span_holds_what_was_said()
    {
        var spans = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();

        using var response = await client.ChatAsync(new { message = "my-secret-question" });
        var events = await response.ReadAllEventsAsync();

        var row = Assert.Single(api.Writer.Events);
        var traceId = events[0].Data.GetProperty("traceId").GetString();
        await Until.TrueAsync(() => spans.Any(span => span.Id == row.Traceparent));
        var span = spans.Single(span => span.Id == row.Traceparent);
        Assert.Equal(("LlmAspire.Api.Chat", "chat chat-default", traceId), (span.Source.Name, span.DisplayName, span.TraceId.ToHexString()));
        Assert.Equal(row.Id.ToString(), span.GetTagItem("llmaspire.call.id"));
        var said = spans.Where(s => s.TraceId.ToHexString() == traceId)
            .Select(s => JsonSerializer.Serialize(new { s.DisplayName, Tags = s.TagObjects, Events = s.Events.Select(e => e.Tags) }));
        Assert.All(said, text => Assert.False(text.Contains("my-secret-question", StringComparison.Ordinal) || text.Contains("Hello", StringComparison.Ordinal), text));
        Assert.DoesNotContain(api.Logs.Entries, entry => entry.Text.Contains("my-secret-question", StringComparison.Ordinal));
    }

    // The SDK sends text as a string or as a list of parts.
    private static string? Text(JsonElement content) =>
        content.ValueKind == JsonValueKind.String ? content.GetString() : content[0].GetProperty("text").GetString();
}
