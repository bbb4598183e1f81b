using System.Collections.Concurrent;
using System.Diagnostics;
using LlmAspire.Web.Chat;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Web.Tests;

public class ChatTraceTests
{
    [Fact]
    public async Task each_send_is_a_trace_of_its_own_whatever_span_the_circuit_is_in()
    {
        using var traces = new TraceRecorder();
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        using var session = CreateSession(http);
        using var circuit = new Activity("circuit").Start();

        var first = await AnswerOneAsync(session, api, "One?");
        Assert.Same(circuit, Activity.Current);
        var second = await AnswerOneAsync(session, api, "Two?");

        Assert.Equal(3, new[] { first.TraceId, second.TraceId, circuit.TraceId.ToHexString() }.Distinct().Count());
        foreach (var (call, exchange) in new[] { (first, session.Exchanges[0]), (second, session.Exchanges[1]) })
        {
            Assert.Equal(call.TraceId, exchange.Answer?.TraceId);
            var root = Assert.Single(traces.SpansOf(call.TraceId), span => span.OperationName == "chat send");
            Assert.Null(root.ParentId);
            var post = Assert.Single(traces.SpansOf(call.TraceId), span => span.Source.Name == "System.Net.Http");
            Assert.Equal(root.SpanId, post.ParentSpanId);
            Assert.Equal(post.Id, call.TraceParent);
        }
    }

    [Fact]
    public void the_span_of_the_circuit_is_current_again_after_a_send()
    {
        using var traces = new TraceRecorder();
        using var circuit = new Activity("circuit").Start();

        using (ChatTelemetry.Start(ChatTelemetry.SendSpan, "chat-default"))
        {
            Assert.Equal("chat send", Activity.Current?.OperationName);
        }

        Assert.Same(circuit, Activity.Current);
    }

    [Fact]
    public async Task the_root_span_ends_with_the_answer_and_holds_the_stop()
    {
        using var traces = new TraceRecorder();
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        using var session = CreateSession(http);

        var answering = session.SendAsync("One?", null);
        var call = await api.NextChatAsync();
        await call.RunAsync();
        await call.DeltaAsync("Yes");
        await session.Exchanges[0].Answer!.UntilAsync(answer => answer.HasText);
        Assert.DoesNotContain(traces.SpansOf(call.TraceId), span => span.OperationName == "chat send");
        await session.StopAsync();
        await call.DoneAsync("stopped");
        await answering;

        var root = Assert.Single(traces.SpansOf(call.TraceId), span => span.OperationName == "chat send");
        Assert.Equal("stopped", root.GetTagItem("llmaspire.finish_reason"));
        Assert.Equal(call.RunId, root.GetTagItem("llmaspire.run_id"));
        var methods = traces.SpansOf(call.TraceId).Where(span => span.ParentSpanId == root.SpanId).Select(span => span.GetTagItem("http.request.method"));
        Assert.Equal(["DELETE", "POST"], methods.Order());
    }

    [Fact]
    public async Task a_failure_marks_the_root_span()
    {
        using var traces = new TraceRecorder();
        await using var api = await FakeApi.StartAsync();
        api.RefuseChat = context => FakeApi.ProblemAsync(context, 503, "gateway_starting");
        using var http = new HttpClient { BaseAddress = api.Address };
        using var session = CreateSession(http);

        await session.SendAsync("One?", null);

        var call = await api.NextChatAsync();
        var root = Assert.Single(traces.SpansOf(call.TraceId), span => span.OperationName == "chat send");
        Assert.Equal(ActivityStatusCode.Error, root.Status);
        Assert.Equal("gateway_starting", root.GetTagItem("error.type"));
    }

    [Fact]
    public async Task what_was_said_is_in_no_span_and_no_log()
    {
        using var traces = new TraceRecorder();
        using var logs = new LogRecorder();
        using var factory = LoggerFactory.Create(builder => builder.SetMinimumLevel(LogLevel.Trace).AddProvider(logs));
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        using var session = NoTokens.Session(http, TimeProvider.System, factory.CreateLogger<ChatSession>());

        var answering = session.SendAsync("my-secret-question", null);
        var call = await api.NextChatAsync();
        await call.RunAsync();
        await call.DeltaAsync("my-secret-answer");
        await call.EventAsync("error", new { status = 502, code = "provider_failed", detail = "about my-secret-question" });
        call.End();
        await answering;

        Assert.Contains(logs.Lines, line => line.Contains("provider_failed", StringComparison.Ordinal));
        var told = traces.SpansOf(call.TraceId)
            .SelectMany(span => span.TagObjects.Select(tag => $"{tag.Value}").Append(span.DisplayName).Append(span.StatusDescription ?? ""))
            .Concat(logs.Lines);
        Assert.DoesNotContain(told, text => text.Contains("my-secret", StringComparison.Ordinal));
    }

    private static ChatSession CreateSession(HttpClient http) => NoTokens.Session(http, TimeProvider.System);

    private static async Task<ChatCall> AnswerOneAsync(ChatSession session, FakeApi api, string message)
    {
        var answering = session.SendAsync(message, null);
        var call = await api.NextChatAsync();
        await call.AnswerAsync("Yes.");
        await answering;
        Assert.Equal(AnswerState.Done, session.Exchanges[^1].Answer?.State);
        return call;
    }

    private sealed class LogRecorder : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}
