using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Estimation;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Api.Tests.Llm;

public sealed class UsageAccountingHandlerTests : IDisposable
{
    private readonly RecordingWriter _writer = new();
    private readonly RecordingOpener _opener = new();
    private readonly GatewayOptions _gateway = new();
    private readonly AccountingOptions _options = new();
    private readonly StubLifetime _lifetime = new();
    private readonly CallContext _context = NewContext();
    private readonly IMeterFactory _meters = new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();
    private TimeProvider _time = TimeProvider.System;
    private ActiveCalls? _active;

    /// <summary>Loading its encodings takes half a second: once.</summary>
    private static readonly UsageEstimator Estimator = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_call_becomes_one_event_with_everything_the_answer_told(bool streaming)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);
        using var activity = new Activity("test").Start();

        var body = await ReadAsync(client, streaming);

        Assert.Equal(streaming ? Answers.Stream : Answers.Plain, body);
        var settled = Assert.Single(await _context.WhenSettledAsync());
        var row = Assert.Single(_writer.Events);
        Assert.Same(row, settled.Usage);
        Assert.Equal("stop", settled.FinishReason);
        Assert.Null(settled.Failure);

        Assert.Equal(7, row.Id.Version);
        Assert.Equal(_context.UserId, row.UserId);
        Assert.Equal(_context.OrgId, row.OrgId);
        Assert.Equal(_context.ApiKeyId, row.ApiKeyId);
        Assert.Equal(_context.RequestId, row.RequestId);
        Assert.Equal(_context.ConversationId, row.ConversationId);
        Assert.Equal(UsageOperation.Title, row.Operation);
        Assert.Equal(activity.Id, row.Traceparent);
        Assert.Equal("chat-default", row.ModelAlias);
        Assert.Equal("openai", row.Provider);
        Assert.Equal("gpt-4o-mini", row.ServedModel);
        Assert.Equal((11, 8), (row.PromptTokens, row.CompletionTokens));
        Assert.Equal((4, null, 3, 0, 0), (row.CachedPromptTokens, row.CacheWriteTokens, row.ReasoningTokens, row.AudioPromptTokens, row.AudioCompletionTokens));
        Assert.Equal((UsageSource.Provider, UsageOutcome.Completed), (row.Source, row.Outcome));
        Assert.Equal(streaming ? (null, null) : (2, 0), (row.Attempts, row.Fallbacks));
        Assert.InRange(row.TtftMs!.Value, 0, row.DurationMs);
        Assert.Equal(row.Id.ToString(), row.GatewayCallId);
        Assert.Equal(Answers.UsageJson, row.RawUsage!.Value.GetRawText());
        var sent = Assert.Single(gateway.Chats).Headers;
        Assert.Equal(row.Id.ToString(), sent["x-litellm-call-id"]);
        Assert.Equal($$"""{"llmaspire_call_id":"{{row.Id}}"}""", sent["x-litellm-spend-logs-metadata"]);
    }

    public void Dispose()
    {
        _active?.Dispose();
        _meters.Dispose();
        _lifetime.Dispose();
    }

    /// <summary>The shapes in which streams come, each with what has to be in its row. A whole one passes as it came, but for the usage: once, at the end.</summary>
    public static TheoryData<string, string, UsageOutcome, UsageSource, long, long> Shapes => new()
    {
        { "LiteLLM: usage beside a choice", Answers.Stream, UsageOutcome.Completed, UsageSource.Provider, 11, 8 },
        { "OpenAI: usage without choices", Answers.Content + Answers.Finish + Answers.Usage(Answers.UsageJson, "[]") + Answers.Done,
            UsageOutcome.Completed, UsageSource.Provider, 11, 8 },
        { "usage null until the last", Answers.Usage("null") + Answers.Content + Answers.Finish + Answers.Usage(Answers.UsageJson, "[]") + Answers.Usage("null") + Answers.Done,
            UsageOutcome.Completed, UsageSource.Provider, 11, 8 },
        { "cumulative", Answers.Usage("""{"prompt_tokens":11,"completion_tokens":1}""") + Answers.Content + Answers.Finish
            + Answers.Usage("""{"prompt_tokens":11,"completion_tokens":2}""") + Answers.Done, UsageOutcome.Completed, UsageSource.Provider, 11, 2 },
        { "usage in the chunk that finishes", Answers.Content
            + Answers.Finish.Replace("}]}", "}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":6}}", StringComparison.Ordinal) + Answers.Done,
            UsageOutcome.Completed, UsageSource.Provider, 5, 6 },
        { "explicit zero", Answers.Content + Answers.Finish + Answers.Usage("""{"prompt_tokens":0,"completion_tokens":0}""") + Answers.Done,
            UsageOutcome.Completed, UsageSource.Estimated, 3, 3 },
        { "no usage at all", Answers.Content + Answers.Finish + Answers.Done, UsageOutcome.Completed, UsageSource.Estimated, 3, 3 },
        { "no [DONE]", Answers.Content + Answers.Finish + Answers.Usage(Answers.UsageJson), UsageOutcome.Completed, UsageSource.Provider, 11, 8 },
        { "carriage returns", Answers.Stream.ReplaceLineEndings("\r\n"), UsageOutcome.Completed, UsageSource.Provider, 11, 8 },
        { "no finish reason", Answers.Content + Answers.Done, UsageOutcome.Failed, UsageSource.Estimated, 3, 3 },
        { "no finish reason, but usage", Answers.Content + Answers.Usage(Answers.UsageJson) + Answers.Done, UsageOutcome.Failed, UsageSource.Partial, 11, 8 },
        { "an end in the middle", Answers.Content, UsageOutcome.Failed, UsageSource.Estimated, 3, 3 },
        { "error event", Answers.Content + Answers.ErrorEvent, UsageOutcome.Failed, UsageSource.Estimated, 3, 3 },
        { "error event after the finish", Answers.Content + Answers.Finish + Answers.ErrorEvent + Answers.Done, UsageOutcome.Failed, UsageSource.Estimated, 3, 3 },
        { "error event at once", Answers.ErrorEvent, UsageOutcome.Failed, UsageSource.Estimated, 3, 0 },
        { "no JSON", "data: <html>\n\n" + Answers.Done, UsageOutcome.Failed, UsageSource.Estimated, 3, 0 },
        { "nothing", "", UsageOutcome.Failed, UsageSource.Estimated, 3, 0 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task every_shape_of_a_stream_is_one_row_and_says_what_came_and_ends_only_when_it_is_whole(
        string shape, string stream, UsageOutcome outcome, UsageSource source, long prompt, long completion)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(stream);
        using var client = NewClient(gateway.BaseUrl);

        var body = await ReadAsync(client, streaming: true);

        Assert.Equal(outcome == UsageOutcome.Completed, body.EndsWith(Answers.Done, StringComparison.Ordinal));
        Assert.Equal(TextOf(stream), TextOf(body));
        Assert.DoesNotContain("secret-upstream", body, StringComparison.Ordinal);
        var row = Assert.Single(_writer.Events);
        Assert.Equal(outcome == UsageOutcome.Completed && row.RawUsage is not null ? 1 : 0, Regex.Count(body, "\"usage\":{"));
        Assert.True((outcome, source, prompt, completion) == (row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens), $"{shape}: {row}");
        var settled = Assert.Single(await _context.WhenSettledAsync());
        Assert.Equal(outcome == UsageOutcome.Failed, settled.Failure is not null);
    }

    [Fact]
    public async Task cache_classes_of_anthropic_are_taken_from_where_the_gateway_puts_them()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(Answers.Content + Answers.Finish + Answers.Usage(
            """{"completion_tokens":7,"prompt_tokens":17,"prompt_tokens_details":{"cached_tokens":5,"cache_creation_tokens":2},"cache_creation_input_tokens":2,"cache_read_input_tokens":5}""")
            + Answers.Done);
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        var row = Assert.Single(_writer.Events);
        Assert.Equal((17, 5, 2), (row.PromptTokens, row.CachedPromptTokens, row.CacheWriteTokens));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(100_000)]
    public async Task the_end_is_found_and_nothing_changed_whatever_the_size_of_the_reads(int size)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);
        using var response = await PostAsync(client, streaming: true);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);

        var received = new List<byte>();
        var buffer = new byte[size];
        int read;
        while ((read = await stream.ReadAsync(buffer, Token)) > 0)
        {
            received.AddRange(buffer[..read]);
        }

        Assert.Equal(Answers.Stream, Encoding.UTF8.GetString([.. received]));
        Assert.Equal((11, UsageOutcome.Completed), (Assert.Single(_writer.Events).PromptTokens, _writer.Events[0].Outcome));
    }

    [Theory]
    [InlineData(true, 500, Answers.ErrorBody, "provider_failed")]
    [InlineData(false, 500, Answers.ErrorBody, "provider_failed")]
    [InlineData(true, 429, """{"error":{"message":"No deployments available","type":"None","param":"None","code":"429"}}""", "model_busy")]
    [InlineData(true, 408, """{"error":{"message":"litellm.Timeout","type":null,"code":"408"}}""", "model_timeout")]
    [InlineData(true, 401, """{"error":{"message":"x","type":"auth_error","code":"401"}}""", "gateway_credentials_refused")]
    [InlineData(true, 400, """{"error":{"message":"No connected db.","type":"no_db_connection","param":null,"code":"400"}}""", "gateway_credentials_refused")]
    [InlineData(true, 400, """{"error":{"message":"litellm.ContextWindowExceededError: too long","type":null,"code":"400"}}""", "context_too_long")]
    [InlineData(true, 400, """{"error":{"message":"content filter","type":"invalid_request_error","code":"400"}}""", "provider_refused")]
    [InlineData(true, 502, "<html>Bad Gateway</html>", "provider_failed")]
    [InlineData(true, 404, """{"detail":"Not Found"}""", "provider_failed")]
    public async Task an_error_status_is_a_failed_row_and_passes_to_the_caller(bool streaming, int status, string body, string code)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendJson(status, body);
        using var client = NewClient(gateway.BaseUrl);

        using var response = await PostAsync(client, streaming);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(body, await response.Content.ReadAsStringAsync(Token));
        AssertFailedWithoutTokens(Assert.Single(_writer.Events));
        Assert.Equal(code, Assert.Single(await _context.WhenSettledAsync()).Failure!.Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_reset_is_a_failed_row(bool streaming)
    {
        await using var gateway = await TestGateway.StartAsync();
        var text = streaming ? Answers.Content : "{\"id\":\"c1\",";
        var headersCame = new TaskCompletionSource();
        gateway.OnChat = Answers.SendAndReset(text, streaming ? "text/event-stream" : "application/json", headersCame.Task);
        using var client = NewClient(gateway.BaseUrl);
        using var response = await PostAsync(client, streaming);
        headersCame.SetResult();

        await Assert.ThrowsAnyAsync<IOException>(() => ReadBodyAsync(response));

        AssertEstimated(Assert.Single(_writer.Events), UsageOutcome.Failed, streaming ? 3 : 0);
        Assert.Equal("gateway_connection_lost", Assert.Single(await _context.WhenSettledAsync()).Failure!.Code);
    }

    [Fact]
    public async Task a_reset_before_the_answer_is_a_failed_row()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        using var client = NewClient(gateway.BaseUrl);

        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(client, streaming: true));

        AssertEstimated(Assert.Single(_writer.Events), UsageOutcome.Failed, 0);
        Assert.Equal("gateway_connection_lost", Assert.Single(await _context.WhenSettledAsync()).Failure!.Code);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_refused_connection_is_a_failed_row(bool streaming)
    {
        using var client = NewClient($"http://127.0.0.1:{TestGateway.FreePort()}");

        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(client, streaming));

        AssertFailedWithoutTokens(Assert.Single(_writer.Events));
        Assert.Equal("gateway_unavailable", Assert.Single(await _context.WhenSettledAsync()).Failure!.Code);
    }

    [Theory]
    [InlineData(true, UsageOutcome.Stopped)]
    [InlineData(false, UsageOutcome.Stopped)]
    [InlineData(true, UsageOutcome.Disconnected)]
    [InlineData(false, UsageOutcome.Disconnected)]
    public async Task a_cancelled_call_is_one_row_that_says_who_cancelled(bool streaming, UsageOutcome reason)
    {
        // A plain call would be read on.
        _options.MaxDrains = 0;
        var clientGone = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendAndWait(streaming ? Answers.Content : "{", clientGone);
        using var client = NewClient(gateway.BaseUrl);
        using var cancellation = new CancellationTokenSource();
        using (var response = await PostAsync(client, streaming))
        {
            var reading = ReadBodyAsync(response, cancellation.Token);
            _context.MarkCancelled(reason);
            _context.MarkCancelled(UsageOutcome.Failed); // The first reason stays.
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        }

        var settled = Assert.Single(await _context.WhenSettledAsync());
        AssertEstimated(settled.Usage, reason, streaming ? 3 : 0);
        Assert.Single(_writer.Events);
        await clientGone.Task.WaitAsync(TimeSpan.FromSeconds(5), Token);
    }

    [Fact]
    public async Task a_call_cancelled_before_the_gateway_answers_is_one_row()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        using var client = NewClient(gateway.BaseUrl);
        using var cancellation = new CancellationTokenSource();

        var posting = PostAsync(client, streaming: true, cancellation.Token);
        await Until.TrueAsync(() => !gateway.Chats.IsEmpty);
        _context.MarkCancelled(UsageOutcome.Stopped);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => posting);
        AssertEstimated(Assert.Single(await _context.WhenSettledAsync()).Usage, UsageOutcome.Stopped, 0);
    }

    [Fact]
    public async Task a_cancellation_that_nobody_marked_is_a_client_that_left()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        using var client = NewClient(gateway.BaseUrl);
        using var cancellation = new CancellationTokenSource();

        var posting = PostAsync(client, streaming: true, cancellation.Token);
        await Until.TrueAsync(() => !gateway.Chats.IsEmpty);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => posting);
        AssertEstimated(Assert.Single(await _context.WhenSettledAsync()).Usage, UsageOutcome.Disconnected, 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_gateway_that_falls_silent_is_a_time_out(bool begun)
    {
        var time = new FakeTimeProvider();
        _time = time;
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = begun ? Answers.SendAndWait(Answers.Content) : context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        using var client = NewClient(gateway.BaseUrl);

        if (begun)
        {
            using var response = await PostAsync(client, streaming: true);
            await using var stream = await response.Content.ReadAsStreamAsync(Token);
            await ReadContentAsync(stream);
            var more = stream.ReadAsync(new byte[64], Token).AsTask();
            time.Advance(_gateway.AnswerTimeout);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => more);
        }
        else
        {
            var posting = PostAsync(client, streaming: true);
            await Until.TrueAsync(() => !gateway.Chats.IsEmpty);
            time.Advance(_gateway.AnswerTimeout);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => posting);
        }

        var settled = Assert.Single(await _context.WhenSettledAsync());
        Assert.Equal("model_timeout", settled.Failure!.Code);
        AssertEstimated(settled.Usage, UsageOutcome.Failed, begun ? 3 : 0);
    }

    [Fact]
    public async Task a_reader_that_takes_its_time_is_no_silence_of_the_gateway()
    {
        var time = new FakeTimeProvider();
        _time = time;
        var goOn = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = async context =>
        {
            await Answers.SendStream(Answers.Content)(context);
            await goOn.Task;
            await context.Response.WriteAsync(Answers.Finish + Answers.Usage(Answers.UsageJson) + Answers.Done);
        };
        using var client = NewClient(gateway.BaseUrl);
        using var response = await PostAsync(client, streaming: true);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        await ReadContentAsync(stream);

        time.Advance(3 * _gateway.AnswerTimeout);
        goOn.SetResult();
        await stream.CopyToAsync(Stream.Null, Token);

        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider), (Assert.Single(_writer.Events).Outcome, _writer.Events[0].Source));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task when_the_service_stops_a_running_call_is_cut_after_its_grace_and_settled(bool begun)
    {
        _options.ShutdownGrace = TimeSpan.FromMilliseconds(100);
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = begun ? Answers.SendAndWait(Answers.Content) : context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        using var client = NewClient(gateway.BaseUrl);
        var reading = ReadAsync(client, streaming: true);
        await Until.TrueAsync(() => !gateway.Chats.IsEmpty);

        _lifetime.StopApplication();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        var settled = Assert.Single(await _context.WhenSettledAsync());
        Assert.Equal("server_stopping", settled.Failure!.Code);
        Assert.Equal((UsageOutcome.Failed, UsageSource.Estimated), (settled.Usage.Outcome, settled.Usage.Source));
        var refused = await Assert.ThrowsAsync<CallRefusedException>(() => ReadAsync(client, streaming: true));
        Assert.Equal("server_stopping", refused.Failure.Code);
        Assert.Single(gateway.Chats);
    }

    [Fact]
    public async Task a_call_is_written_down_before_anything_is_sent_with_what_it_may_cost()
    {
        await using var gateway = await TestGateway.StartAsync();
        var openBeforeSent = false;
        gateway.OnChat = context =>
        {
            openBeforeSent = _opener.Calls.Count == 1;
            return Answers.Normal(context);
        };
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        Assert.True(openBeforeSent);
        var open = Assert.Single(_opener.Calls);
        Assert.Equal(Assert.Single(_writer.Events).Id, open.Id);
        Assert.Equal((_context.UserId, _context.OrgId, _context.ApiKeyId, _context.RequestId), (open.UserId, open.OrgId, open.ApiKeyId, open.RequestId));
        Assert.Equal(8192, open.ReservedCompletionTokens);
        Assert.Equal(Encoding.UTF8.GetByteCount(Assert.Single(gateway.Chats).Body.GetRawText()), open.ReservedPromptTokens);
    }

    [Fact]
    public async Task a_call_that_cannot_be_written_down_is_not_made()
    {
        _opener.Refusal = new LedgerUnavailableException("PostgreSQL is away.") { RetryAfter = TimeSpan.FromSeconds(7) };
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);

        var refused = await Assert.ThrowsAsync<CallRefusedException>(() => ReadAsync(client, streaming: true));

        Assert.Equal(("ledger_unavailable", TimeSpan.FromSeconds(7)), (refused.Failure.Code, refused.Failure.RetryAfter));
        Assert.Empty(gateway.Chats);
        Assert.Empty(await _context.WhenSettledAsync());
    }

    [Fact]
    public async Task a_caller_that_leaves_while_its_call_is_opened_sends_nothing_and_leaves_a_row()
    {
        using var cancellation = new CancellationTokenSource();
        _opener.OnOpen = cancellation.Cancel;
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PostAsync(client, streaming: true, cancellation.Token));

        var row = Assert.Single(await _context.WhenSettledAsync()).Usage;
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.None, 0L), (row.Outcome, row.Source, row.PromptTokens));
        Assert.Empty(gateway.Chats);
    }

    [Theory]
    [InlineData("""{"model":"chat-default","messages":[{"role":"user","content":"\u00e9 \ud83d\ude00 é"}],"stream":true,"logit_bias":{"y":1.50, "z":1e3}}""",
        """{"model":"chat-default","messages":[{"role":"user","content":"\u00e9 \ud83d\ude00 é"}],"stream":true,"logit_bias":{"y":1.50, "z":1e3},"user":"USER","stream_options":{"include_usage":true},"max_completion_tokens":8192}""", 8192)]
    [InlineData("""{"stream":true,"stream_options":{"include_usage":false,"include_obfuscation":true},"max_tokens":7,"user":"mallory"}""",
        """{"stream":true,"max_tokens":7,"user":"USER","stream_options":{"include_obfuscation":true,"include_usage":true}}""", 7)]
    [InlineData("""{"stream":true,"stream_options":null}""", """{"stream":true,"user":"USER","stream_options":{"include_usage":true},"max_completion_tokens":8192}""", 8192)]
    [InlineData("""{"stream":false,"stream_options":{}}""", """{"stream":false,"stream_options":{},"user":"USER","max_completion_tokens":8192}""", 8192)]
    [InlineData("""{"max_completion_tokens":100,"n":3}""", """{"max_completion_tokens":100,"n":3,"user":"USER"}""", 300)]
    [InlineData("""{"max_completion_tokens":5,"max_tokens":9}""", """{"max_completion_tokens":5,"max_tokens":9,"user":"USER"}""", 9)]
    [InlineData("""{"max_tokens":1e9}""", """{"user":"USER","max_completion_tokens":8192}""", 8192)]
    [InlineData("""{"max_completion_tokens":null,"max_tokens":-1}""", """{"user":"USER","max_completion_tokens":8192}""", 8192)]
    public async Task what_every_call_needs_is_put_into_the_request_and_the_rest_stays(string sent, string received, long cap)
    {
        var body = await ProviderRequest.ReadAsync(new StringContent(sent, Encoding.UTF8, "application/json"), _context.UserId, 8192, Token);

        Assert.Equal(received.Replace("USER", _context.UserId.ToString(), StringComparison.Ordinal), Encoding.UTF8.GetString(body.Body));
        Assert.Equal((cap, body.Body.Length), (body.OutputCap, body.PromptBound));
    }

    [Theory]
    [InlineData("""{"broken""")]
    [InlineData("""[1]""")]
    [InlineData("")]
    [InlineData("""{"model":"chat-default","temperature":NaN}""")]
    [InlineData("""{"model":"chat-default","user":"mallory","user":"mallory"}""")]
    [InlineData("""{"model":"chat-default","stream_options":{"include_usage":false,"include_usage":false}}""")]
    public async Task a_request_into_which_nothing_can_be_put_is_not_sent(string body)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);
        using var scope = _context.Enter();

        var refused = await Assert.ThrowsAsync<CallRefusedException>(
            () => client.PostAsync("v1/chat/completions", new StringContent(body, Encoding.UTF8, "application/json"), Token));

        Assert.Equal((400, "json_invalid"), (refused.Failure.Status, refused.Failure.Code));
        Assert.Empty(_opener.Calls);
        Assert.Empty(gateway.Chats);
    }

    /// <summary>A provider that tells its usage while it speaks.</summary>
    [Theory]
    [InlineData("nothing after it", """{"prompt_tokens":11,"completion_tokens":2}""", false, UsageSource.Partial, 2)]
    [InlineData("too little", """{"prompt_tokens":11,"completion_tokens":1}""", true, UsageSource.Estimated, 6)]
    [InlineData("more than can be seen", """{"prompt_tokens":11,"completion_tokens":90}""", true, UsageSource.Partial, 90)]
    [InlineData("only the prompt", """{"prompt_tokens":11}""", true, UsageSource.Estimated, 6)]
    public async Task a_running_count_that_text_follows_is_a_lower_bound(string what, string usage, bool more, UsageSource source, long completion)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(Answers.Content + Answers.Usage(usage) + (more ? Answers.Content : ""));
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        var row = Assert.Single(_writer.Events);
        Assert.True((UsageOutcome.Failed, source, 11L, completion) == (row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens), $"{what}: {row}");
        Assert.Equal(usage, row.RawUsage!.Value.GetRawText());
    }

    [Fact]
    public async Task a_chunk_with_half_of_a_character_is_text_like_any_other()
    {
        await using var gateway = await TestGateway.StartAsync();
        var half = Answers.Content.Replace("Hello", "\\ud83d", StringComparison.Ordinal);
        gateway.OnChat = Answers.SendStream(half + Answers.Finish + Answers.Usage(Answers.UsageJson) + Answers.Done);
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        Assert.Equal((UsageOutcome.Completed, 11L), (Assert.Single(_writer.Events).Outcome, _writer.Events[0].PromptTokens));
    }

    [Theory]
    [InlineData("cut when one choice of two has ended", false, true, UsageOutcome.Failed)]
    [InlineData("cut when both have", true, true, UsageOutcome.Completed)]
    [InlineData("LiteLLM's one finish reason for both", false, false, UsageOutcome.Completed)]
    public async Task an_answer_of_several_choices_is_complete_when_each_that_began_has_ended_or_the_marker_came(string what, bool both, bool cut, UsageOutcome outcome)
    {
        await using var gateway = await TestGateway.StartAsync();
        var second = Answers.Content.Replace("\"index\":0", "\"index\":1", StringComparison.Ordinal);
        var secondFinish = Answers.Finish.Replace("\"index\":0", "\"index\":1", StringComparison.Ordinal);
        Assert.NotEqual(Answers.Content, second);
        Assert.NotEqual(Answers.Finish, secondFinish);
        gateway.OnChat = Answers.SendStream(
            Answers.Content + second + Answers.Finish + (both ? secondFinish : "") + Answers.Usage(Answers.UsageJson) + (cut ? "" : Answers.Done));
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        var row = Assert.Single(_writer.Events);
        var settled = Assert.Single(await _context.WhenSettledAsync());
        Assert.True(
            (outcome, outcome == UsageOutcome.Completed ? null : "answer_incomplete") == (row.Outcome, settled.Failure?.Code), $"{what}: {row} {settled.Failure}");
    }

    [Theory]
    [InlineData("", "", UsageOutcome.Failed)]
    [InlineData("the usage, of a gateway that dropped n and sends no marker", Answers.UsageJson, UsageOutcome.Completed)]
    [InlineData("the marker alone", "", UsageOutcome.Completed)]
    public async Task of_two_choices_that_were_asked_for_the_second_is_missing_unless_what_follows_the_first_ends_the_whole(string follows, string usage, UsageOutcome outcome)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(
            Answers.Content + Answers.Finish + (usage == "" ? "" : Answers.Usage(usage)) + (follows == "the marker alone" ? Answers.Done : ""));
        using var client = NewClient(gateway.BaseUrl);

        using (_context.Enter())
        {
            using var response = await client.PostAsync(
                "v1/chat/completions", new StringContent("""{"model":"chat-default","stream":true,"n":2}""", Encoding.UTF8, "application/json"), Token);
            await ReadBodyAsync(response);
        }

        Assert.Equal(outcome, Assert.Single(_writer.Events).Outcome);
        Assert.Equal(outcome == UsageOutcome.Completed ? null : "answer_incomplete", Assert.Single(await _context.WhenSettledAsync()).Failure?.Code);
    }

    [Fact]
    public async Task when_the_service_stops_an_unwanted_answer_is_read_on_within_the_grace_and_the_stop_waits_for_it()
    {
        (_options.OnStop, _options.ShutdownGrace) = (OnStop.Drain, TimeSpan.FromHours(1));
        var goOn = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = async context =>
        {
            await goOn.Task;
            await Answers.Normal(context);
        };
        using var client = NewClient(gateway.BaseUrl);
        using var cancellation = new CancellationTokenSource();
        var posting = PostAsync(client, streaming: true, cancellation.Token);
        await Until.TrueAsync(() => !gateway.Chats.IsEmpty);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => posting);

        _lifetime.StopApplication();
        var stopping = _active!.StopAsync(Token);
        Assert.False(stopping.IsCompleted);
        goOn.SetResult();
        await stopping;

        var row = Assert.Single(_writer.Events);
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.Provider, 8L), (row.Outcome, row.Source, row.CompletionTokens));
    }

    [Fact]
    public async Task a_call_that_is_being_opened_when_the_grace_ends_is_not_sent()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);
        var opening = new TaskCompletionSource();
        _opener.Opening = opening.Task;
        var posting = PostAsync(client, streaming: true);
        await Until.TrueAsync(() => _opener.Calls.Count == 1);

        // The host gives up waiting.
        await _active!.StopAsync(new CancellationToken(canceled: true));
        opening.SetResult();

        Assert.Equal("server_stopping", (await Assert.ThrowsAsync<CallRefusedException>(() => posting)).Failure.Code);
        AssertFailedWithoutTokens(Assert.Single(await _context.WhenSettledAsync()).Usage);
        Assert.Empty(gateway.Chats);
    }

    [Fact]
    public async Task the_metrics_tell_tokens_by_class_and_the_times_of_a_call()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);
        var measured = new ConcurrentQueue<(string Name, double Value, string? Class)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Scope == _meters)
            {
                self.EnableMeasurementEvents(instrument);
            }
        }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Measure(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Measure(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Measure(instrument, value, tags));
        listener.Start();

        using var response = await PostAsync(client, streaming: true);
        listener.RecordObservableInstruments();
        await ReadBodyAsync(response);
        await _context.WhenSettledAsync();

        Assert.Equal(
            [("cached_prompt", 4), ("completion", 8), ("prompt", 11), ("reasoning", 3)],
            measured.Where(one => one.Name == "llmaspire.call.tokens").Select(one => (one.Class, one.Value)).Order());
        Assert.Contains(measured, one => one is { Name: "llmaspire.call.open", Value: 1 });
        Assert.Single(measured, one => one.Name == "llmaspire.call.first_token");
        Assert.Single(measured, one => one.Name == "llmaspire.call.settle");
        // Told to the telemetry by this pattern, in the service defaults.
        Assert.StartsWith("LlmAspire.", CallMetrics.MeterName, StringComparison.Ordinal);

        void Measure(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string? tokenClass = null;
            foreach (var (name, tag) in tags)
            {
                tokenClass = name == "class" ? (string?)tag : tokenClass;
            }

            measured.Enqueue((instrument.Name, value, tokenClass));
        }
    }

    [Theory]
    [InlineData(UsageOutcome.Stopped)]
    [InlineData(UsageOutcome.Disconnected)]
    public async Task with_drain_an_answer_that_nobody_wants_is_read_to_its_usage(UsageOutcome reason)
    {
        _options.OnStop = OnStop.Drain;
        var goOn = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = async context =>
        {
            await Answers.SendStream(Answers.Content)(context);
            await goOn.Task;
            await context.Response.WriteAsync(Answers.Finish + Answers.Usage(Answers.UsageJson) + Answers.Done);
        };
        using var client = NewClient(gateway.BaseUrl);
        using var cancellation = new CancellationTokenSource();
        using (var response = await PostAsync(client, streaming: true))
        {
            var reading = ReadBodyAsync(response, cancellation.Token);
            _context.MarkCancelled(reason);
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        }

        Assert.Empty(_writer.Events);
        goOn.SetResult();

        var row = Assert.Single(await _context.WhenSettledAsync()).Usage;
        Assert.Equal((reason, UsageSource.Provider, 11L, 8L), (row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens));
    }

    [Theory]
    [InlineData(true, OnStop.Drain)]
    [InlineData(false, OnStop.Drain)]
    // LiteLLM does not cancel it.
    [InlineData(false, OnStop.Cancel)]
    public async Task a_call_that_is_left_before_it_answers_is_read_to_its_usage(bool streaming, OnStop onStop)
    {
        _options.OnStop = onStop;
        var goOn = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = async context =>
        {
            await goOn.Task;
            await Answers.Normal(context);
        };
        using var client = NewClient(gateway.BaseUrl);
        using var cancellation = new CancellationTokenSource();
        var posting = PostAsync(client, streaming, cancellation.Token);
        await Until.TrueAsync(() => !gateway.Chats.IsEmpty);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => posting);
        goOn.SetResult();

        var row = Assert.Single(await _context.WhenSettledAsync()).Usage;
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.Provider, 11L, 8L), (row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens));
    }

    [Theory]
    [InlineData(0, "00:01:00")]
    [InlineData(64, "00:00:00.2")]
    public async Task a_drain_is_bounded_in_number_and_in_time(int number, string time)
    {
        (_options.OnStop, _options.MaxDrains, _options.DrainTimeout) = (OnStop.Drain, number, TimeSpan.Parse(time, CultureInfo.InvariantCulture));
        var clientGone = new TaskCompletionSource();
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendAndWait(Answers.Content, clientGone);
        using var client = NewClient(gateway.BaseUrl);
        using (var response = await PostAsync(client, streaming: true))
        {
            await using var stream = await response.Content.ReadAsStreamAsync(Token);
            await stream.ReadAtLeastAsync(new byte[64 * 1024], Answers.Content.Length, cancellationToken: Token);
            _context.MarkCancelled(UsageOutcome.Disconnected);
        }

        AssertEstimated(Assert.Single(await _context.WhenSettledAsync()).Usage, UsageOutcome.Disconnected, 3);
        await clientGone.Task.WaitAsync(TimeSpan.FromMinutes(1), Token);
    }

    [Fact]
    public async Task a_fallback_in_the_middle_of_a_stream_is_a_row_for_each_provider()
    {
        const string Second = "data: {\"id\":\"c2\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\" again\"}}]}\n\n";
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(Answers.Content + Second + Answers.Finish.Replace("c1", "c2", StringComparison.Ordinal)
            + Answers.Usage(Answers.UsageJson).Replace("c1", "c2", StringComparison.Ordinal) + Answers.Done);
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        var settled = Assert.Single(await _context.WhenSettledAsync());
        Assert.Equal(_writer.Events.OrderBy(row => row.Outcome == UsageOutcome.Completed), settled.Rows);
        var (first, last) = (settled.Rows[0], settled.Rows[1]);
        Assert.Equal((UsageOutcome.Failed, UsageSource.Estimated, "openai", "gpt-4o-mini"), (first.Outcome, first.Source, first.Provider, first.ServedModel));
        Assert.Equal((3, 3), (first.PromptTokens, first.CompletionTokens));
        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider, null, null), (last.Outcome, last.Source, last.Provider, last.ServedModel));
        Assert.Equal((11, 8, 1, 2), (last.PromptTokens, last.CompletionTokens, last.Fallbacks, last.Attempts));
        Assert.Equal((first.RequestId, first.CreatedAt, first.GatewayCallId), (last.RequestId, last.CreatedAt, last.GatewayCallId));
        Assert.Equal(Assert.Single(_opener.Calls).Id, first.Id);
        Assert.Equal(Answers.UsageJson, last.RawUsage!.Value.GetRawText());
    }

    [Fact]
    public async Task a_gateway_that_gives_every_chunk_an_id_and_a_role_has_not_changed_its_provider()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(string.Concat(Enumerable.Range(0, 40).Select(index =>
                Answers.Content[..(Answers.Content.IndexOf("\n\n", StringComparison.Ordinal) + 2)].Replace("\"c1\"", $"\"c{index}\"", StringComparison.Ordinal)))
            + Answers.Finish + Answers.Usage(Answers.UsageJson) + Answers.Done);
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        Assert.Equal((11, null), (Assert.Single(_writer.Events).PromptTokens, _writer.Events[0].Fallbacks));
    }

    [Theory]
    [InlineData(true, UsageSource.Estimated)]
    [InlineData(false, UsageSource.Provider)]
    public async Task usage_that_litellm_guessed_is_an_estimate(bool isLiteLlm, UsageSource source)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = async context =>
        {
            context.Response.ContentType = "text/event-stream";
            if (isLiteLlm)
            {
                context.Response.Headers["x-litellm-model-id"] = "chat-default-1";
            }

            await context.Response.WriteAsync(Answers.Content + Answers.Finish + Answers.Usage("""{"prompt_tokens":11,"completion_tokens":5,"total_tokens":16}""") + Answers.Done);
        };
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        var row = Assert.Single(_writer.Events);
        Assert.Equal((source, 11L, 5L), (row.Source, row.PromptTokens, row.CompletionTokens));
        Assert.Equal(16, row.RawUsage!.Value.GetProperty("total_tokens").GetInt32());
    }

    [Theory]
    [InlineData("""{"input_tokens":12,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":7}""", 19, 7, 5, 2)]
    [InlineData("""{"prompt_tokens":12,"cache_read_input_tokens":50,"completion_tokens":7}""", 62, 7, 50, null)]
    [InlineData("""{"prompt_tokens":12,"cache_read_input_tokens":5,"completion_tokens":7,"total_tokens":24}""", 17, 7, 5, null)]
    [InlineData("""{"prompt_tokens":17,"cache_read_input_tokens":5,"completion_tokens":7,"total_tokens":24}""", 17, 7, 5, null)]
    [InlineData("""{"input_tokens":17,"input_tokens_details":{"cached_tokens":5},"output_tokens":7}""", 17, 7, 5, null)]
    public async Task cached_tokens_are_within_the_prompt_wherever_the_provider_counts_them(string usage, long prompt, long completion, int? cached, int? written)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(Answers.Content + Answers.Finish + Answers.Usage(usage) + Answers.Done);
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        var row = Assert.Single(_writer.Events);
        Assert.Equal((prompt, completion, cached, written), (row.PromptTokens, row.CompletionTokens, (int?)row.CachedPromptTokens, (int?)row.CacheWriteTokens));
        Assert.Equal(usage, row.RawUsage!.Value.GetRawText());
    }

    [Theory]
    [InlineData("repeated", """{"prompt_tokens":11,"completion_tokens":8}""", """{"prompt_tokens":11,"completion_tokens":8}""")]
    [InlineData("begun by the prompt alone", """{"prompt_tokens":11}""", """{"completion_tokens":8}""")]
    [InlineData("zero after the real one", """{"prompt_tokens":11,"completion_tokens":8}""", """{"prompt_tokens":0,"completion_tokens":0}""")]
    public async Task usage_that_comes_twice_counts_once(string how, string first, string second)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendStream(Answers.Content + Answers.Usage(first) + Answers.Finish + Answers.Usage(second) + Answers.Done);
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);

        var row = Assert.Single(_writer.Events);
        Assert.True((11L, 8L) == (row.PromptTokens, row.CompletionTokens), $"{how}: {row}");
    }

    [Theory]
    [InlineData("content only", true, UsageOutcome.Disconnected, UsageSource.Estimated, null)]
    [InlineData("content only", false, UsageOutcome.Failed, UsageSource.Estimated, "answer_abandoned")]
    [InlineData("error event", true, UsageOutcome.Failed, UsageSource.Estimated, "provider_failed")]
    [InlineData("error event", false, UsageOutcome.Failed, UsageSource.Estimated, "provider_failed")]
    [InlineData("usage", true, UsageOutcome.Disconnected, UsageSource.Partial, null)]
    [InlineData("usage", false, UsageOutcome.Failed, UsageSource.Partial, "answer_abandoned")]
    public async Task an_answer_that_is_left_is_settled_and_a_client_left_only_where_one_did(string sent, bool isClient, UsageOutcome outcome, UsageSource source, string? code)
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendAndWait(Answers.Content + sent switch
        {
            "error event" => Answers.ErrorEvent,
            "usage" => Answers.Usage(Answers.UsageJson),
            _ => "",
        });
        using var client = NewClient(gateway.BaseUrl);
        using (var response = await PostAsync(client, streaming: true))
        {
            await using var stream = await response.Content.ReadAsStreamAsync(Token);
            await ReadContentAsync(stream);
            if (sent == "error event")
            {
                // The end, though the gateway keeps the connection.
                Assert.Equal(0, await stream.ReadAsync(new byte[64], Token));
            }

            if (isClient)
            {
                _context.MarkCancelled(UsageOutcome.Disconnected);
            }
        }

        var settled = Assert.Single(await _context.WhenSettledAsync());
        Assert.Equal((outcome, source, code), (settled.Usage.Outcome, settled.Usage.Source, settled.Failure?.Code));
        Assert.Single(_writer.Events);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task the_end_is_given_only_when_the_event_is_durable(bool streaming)
    {
        var durable = _writer.Hold();
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);
        using var response = await PostAsync(client, streaming);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);

        // Everything before the end comes at once, and nothing of the end, however large the reads.
        var text = streaming ? Answers.Stream[..^Answers.Done.Length] : Answers.Plain;
        var before = "";
        while (before.Length < text.Length)
        {
            var buffer = new byte[64 * 1024];
            before += Encoding.UTF8.GetString(buffer, 0, await stream.ReadAsync(buffer, Token));
        }

        Assert.Equal(text, before);

        var end = stream.ReadAsync(new byte[64], Token).AsTask();
        await Until.TrueAsync(() => _writer.Events.Count == 1);
        var settled = _context.WhenSettledAsync();
        Assert.False(end.IsCompleted);
        Assert.False(settled.IsCompleted);

        durable.SetResult();
        Assert.Equal(streaming ? Answers.Done.Length : 0, await end);
        Assert.Single(await settled);
    }

    [Theory]
    [InlineData("held", true)]
    [InlineData("held", false)]
    [InlineData("broken", true)]
    public async Task without_a_ledger_there_is_no_end(string ledger, bool streaming)
    {
        _options.SettleTimeout = TimeSpan.FromMilliseconds(50);
        if (ledger == "held")
        {
            _writer.Hold();
        }
        else
        {
            _writer.Break();
        }

        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);
        using var response = await PostAsync(client, streaming);

        await Assert.ThrowsAsync<LedgerUnavailableException>(() => ReadBodyAsync(response));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => _context.WhenSettledAsync());
        Assert.Single(_writer.Events);
    }

    [Fact]
    public async Task without_a_ledger_the_failure_of_a_call_stays_what_the_caller_sees()
    {
        _writer.Break();
        using var client = NewClient($"http://127.0.0.1:{TestGateway.FreePort()}");

        await Assert.ThrowsAsync<HttpRequestException>(() => PostAsync(client, streaming: true));
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => _context.WhenSettledAsync());
    }

    [Fact]
    public async Task a_call_without_context_is_refused_and_never_sent()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);

        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => SendAsync(client, streaming: true, Token));

        Assert.Contains("CallContext", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(gateway.Chats);
        Assert.Empty(_writer.Events);
    }

    [Fact]
    public async Task other_requests_pass_without_context_and_without_a_row()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);

        using var response = await client.GetAsync("v1/models", Token);

        Assert.Equal(gateway.Models, await response.Content.ReadAsStringAsync(Token));
        Assert.Empty(_writer.Events);
    }

    [Fact]
    public async Task each_call_of_a_request_has_its_own_row()
    {
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl);

        await ReadAsync(client, streaming: true);
        await ReadAsync(client, streaming: false);

        Assert.Equal(2, _writer.Events.Select(row => row.Id).Distinct().Count());
        Assert.Single(_writer.Events.Select(row => row.RequestId).Distinct());
        Assert.Equal(_writer.Events, (await _context.WhenSettledAsync()).Select(call => call.Usage));
    }

    private static string TextOf(string stream) => string.Concat(Regex.Matches(stream, "\"content\":\"([^\"]*)\"").Select(match => match.Groups[1].Value));

    private static CallContext NewContext() => new()
    {
        UserId = Guid.NewGuid(),
        OrgId = Guid.NewGuid(),
        ApiKeyId = Guid.NewGuid(),
        RequestId = Guid.NewGuid(),
        ConversationId = Guid.NewGuid(),
        Operation = UsageOperation.Title,
        ModelAlias = "chat-default",
    };

    private static void AssertFailedWithoutTokens(UsageEvent row)
    {
        Assert.Equal((UsageOutcome.Failed, UsageSource.None), (row.Outcome, row.Source));
        Assert.Equal((0, 0), (row.PromptTokens, row.CompletionTokens));
        Assert.Null(row.RawUsage);
    }

    /// <summary>The prompt has no message: it is the start of the answer. "Hello, world" has three tokens.</summary>
    private static void AssertEstimated(UsageEvent row, UsageOutcome outcome, long completion) => Assert.Equal(
        (outcome, UsageSource.Estimated, 3L, completion), (row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens));

    private static async Task<string> ReadBodyAsync(HttpResponseMessage response, CancellationToken? cancellationToken = null)
    {
        using var body = new MemoryStream();
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        await stream.CopyToAsync(body, cancellationToken ?? Token);
        return Encoding.UTF8.GetString(body.ToArray());
    }

    /// <summary>Reads all of <see cref="Answers.Content"/>, and no more.</summary>
    private static async Task ReadContentAsync(Stream stream) => await stream.ReadExactlyAsync(new byte[Answers.Content.Length], Token);

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, bool streaming, CancellationToken cancellationToken) => client.SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "v1/chat/completions")
        {
            Content = new StringContent(JsonSerializer.Serialize(new { model = "chat-default", stream = streaming }), Encoding.UTF8, "application/json"),
        },
        HttpCompletionOption.ResponseHeadersRead,
        cancellationToken);

    private HttpClient NewClient(string gatewayUrl)
    {
        var catalog = new ModelCatalog(_time);
        catalog.Replace(new CatalogSnapshot(
            [], new Dictionary<string, Deployment> { ["chat-default-1"] = new("chat-default-1", "chat-default", "openai", "gpt-4o-mini") }, DateTimeOffset.UtcNow));
        var active = _active = new ActiveCalls(_lifetime, Options.Create(_options), _time);
        active.StartAsync(Token);
        return new HttpClient(new UsageAccountingHandler(new CallAccounting(
            _opener,
            _writer,
            catalog,
            Estimator,
            active,
            new CallMetrics(_meters, active),
            Options.Create(_gateway),
            Options.Create(_options),
            _time,
            NullLogger<CallAccounting>.Instance))
        {
            InnerHandler = new SocketsHttpHandler(),
        })
        {
            BaseAddress = new Uri(gatewayUrl),
        };
    }

    private async Task<HttpResponseMessage> PostAsync(HttpClient client, bool streaming, CancellationToken? cancellationToken = null)
    {
        using var scope = _context.Enter();
        return await SendAsync(client, streaming, cancellationToken ?? Token);
    }

    private async Task<string> ReadAsync(HttpClient client, bool streaming)
    {
        using var response = await PostAsync(client, streaming);
        return await ReadBodyAsync(response);
    }
}
