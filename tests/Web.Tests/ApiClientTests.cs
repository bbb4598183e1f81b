using System.Net;
using System.Text;
using LlmAspire.Web.Api;
using LlmAspire.Web.Chat;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Web.Tests;

public class ApiClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly ChatRequest Request = new(null, "Hi", null, null);

    public static TheoryData<string, int> Streams
    {
        get
        {
            var streams = new TheoryData<string, int>();
            foreach (var lineEnd in (string[])["\n", "\r\n", "\r"])
            {
                foreach (var chunk in (int[])[1, 2, 3, 7, 64, 4096])
                {
                    streams.Add(lineEnd, chunk);
                }
            }

            return streams;
        }
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public async Task events_are_the_same_however_their_bytes_are_cut(string lineEnd, int chunk)
    {
        const string Stream = """
            : a comment keeps the connection open

            event: run
            id: r:1:1
            data: {"runId":"r","attempt":2,"requestId":"q","conversationId":"0199cccc-0000-7000-8000-000000000001","model":"chat-default","traceId":"t"}

            event: reset
            id: r:1:1
            data: {"text":"Once"}

            event: delta
            id: r:1:2
            data: {"text":"Grüße, 世界 🌍\n"}

            event: from-the-future
            data: {"x":1}

            event: delta
            id: r:1:3
            data: {"text":
            data: "two lines"}

            event: usage
            id: r:1:4
            data: {"callId":"u","model":"chat-default","promptTokens":12,"completionTokens":0,"source":"estimated","ttftMs":null,"durationMs":1.5}

            event: done
            id: r:1:5
            data: {"finishReason":"stop"}


            """;
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        var reading = ReadAsync(NoTokens.Client(http, TimeProvider.System));
        var call = await api.NextChatAsync();
        foreach (var piece in Encoding.UTF8.GetBytes(Stream.ReplaceLineEndings(lineEnd)).Chunk(chunk))
        {
            await call.BytesAsync(piece);
        }

        call.End();
        var events = await reading;

        Assert.Equal(
            [
                new RunStarted("r", 2, "q", ChatCall.Conversation, null, null, "chat-default", "t"),
                new TextReset("Once"),
                new TextDelta("Grüße, 世界 🌍\n"),
                new TextDelta("two lines"),
                new CallUsage("u", "chat-default", null, null, 12, 0, null, null, "estimated", null, null, 1.5, null),
                new AnswerDone("stop"),
            ],
            events);
    }

    [Fact]
    public async Task an_error_event_carries_its_problem()
    {
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        var reading = ReadAsync(NoTokens.Client(http, TimeProvider.System));
        var call = await api.NextChatAsync();
        await call.EventAsync("error", new { type = "about:blank", title = "T", status = 502, detail = "D", code = "C", traceId = "t" });

        Assert.Equal([new AnswerFailed(new Problem("about:blank", "T", 502, "D", "C", "t"))], await reading);
        call.End();
    }

    [Theory]
    [InlineData("event: delta\ndata: {\"text\":\n\n")]
    [InlineData("event: delta\ndata: null\n\n")]
    [InlineData("event: usage\ndata: {\"promptTokens\":\"many\"}\n\n")]
    public async Task an_event_that_cannot_be_read_is_a_problem_of_its_own(string bytes)
    {
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        var reading = ReadAsync(NoTokens.Client(http, TimeProvider.System));
        var call = await api.NextChatAsync();
        await call.BytesAsync(Encoding.UTF8.GetBytes(bytes));

        var exception = await Assert.ThrowsAsync<ApiException>(() => reading);
        Assert.Equal(ProblemCodes.Malformed, exception.Problem.Code);
        call.End();
    }

    [Fact]
    public async Task problem_details_become_an_exception_with_all_they_say()
    {
        await using var api = await FakeApi.StartAsync();
        api.RefuseChat = context =>
        {
            context.Response.Headers.RetryAfter = "7";
            return FakeApi.ProblemAsync(context, StatusCodes.Status503ServiceUnavailable, "gateway_starting", "Soon.");
        };
        using var http = new HttpClient { BaseAddress = api.Address };

        var exception = await Assert.ThrowsAsync<ApiException>(() => ReadAsync(NoTokens.Client(http, TimeProvider.System)));

        Assert.Equal("As the Api says it", exception.Problem.Title);
        Assert.Equal(503, exception.Problem.Status);
        Assert.Equal("gateway_starting", exception.Problem.Code);
        Assert.Equal("Soon.", exception.Problem.Detail);
        Assert.Equal(TimeSpan.FromSeconds(7), exception.RetryAfter);
    }

    [Theory]
    [InlineData("text/html", "<html>Bad gateway</html>")]
    [InlineData("application/json", "{ not json")]
    [InlineData("application/problem+json", "null")]
    [InlineData(null, "")]
    public async Task an_error_that_is_no_problem_details_keeps_its_status(string? contentType, string body)
    {
        await using var api = await FakeApi.StartAsync();
        api.Models = context =>
        {
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
            context.Response.ContentType = contentType;
            return context.Response.WriteAsync(body);
        };
        using var http = new HttpClient { BaseAddress = api.Address };

        var exception = await Assert.ThrowsAsync<ApiException>(() => NoTokens.Client(http, TimeProvider.System).GetModelsAsync(TestContext.Current.CancellationToken));

        Assert.Equal(502, exception.Problem.Status);
    }

    [Fact]
    public async Task nobody_listening_is_unreachable()
    {
        var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        await api.DisposeAsync();

        var exception = await Assert.ThrowsAsync<ApiException>(() => ReadAsync(NoTokens.Client(http, TimeProvider.System)));

        Assert.Equal(ProblemCodes.Unreachable, exception.Problem.Code);
    }

    [Fact]
    public async Task a_list_of_models_that_does_not_come_is_given_up()
    {
        var time = new FakeTimeProvider();
        var asked = new TaskCompletionSource();
        await using var api = await FakeApi.StartAsync();
        api.Models = context =>
        {
            asked.SetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        using var http = new HttpClient { BaseAddress = api.Address };
        var models = NoTokens.Client(http, time).GetModelsAsync(TestContext.Current.CancellationToken);
        await asked.Task;

        time.Advance(TimeSpan.FromSeconds(10));

        var exception = await Assert.ThrowsAsync<ApiException>(() => models);
        Assert.Equal(ProblemCodes.Unreachable, exception.Problem.Code);
    }

    [Fact]
    public async Task the_callers_own_cancellation_stays_a_cancellation()
    {
        using var cancellation = new CancellationTokenSource();
        await using var api = await FakeApi.StartAsync();
        using var http = new HttpClient { BaseAddress = api.Address };
        var reading = ReadUntilAsync(NoTokens.Client(http, TimeProvider.System), cancellation.Token);
        await api.NextChatAsync();

        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
    }

    [Fact]
    public async Task stopping_a_run_that_has_ended_is_no_error()
    {
        await using var api = await FakeApi.StartAsync();
        api.StopStatus = (int)HttpStatusCode.NotFound;
        using var http = new HttpClient { BaseAddress = api.Address };

        await NoTokens.Client(http, TimeProvider.System).StopRunAsync("a/b", TestContext.Current.CancellationToken);

        Assert.Equal("a/b", Uri.UnescapeDataString(await api.NextStopAsync()));
    }

    private static Task<List<ChatEvent>> ReadAsync(ApiClient client) => ReadUntilAsync(client, TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);

    private static async Task<List<ChatEvent>> ReadUntilAsync(ApiClient client, CancellationToken cancellationToken)
    {
        var events = new List<ChatEvent>();
        await foreach (var next in client.StreamChatAsync(Request, cancellationToken))
        {
            events.Add(next.Data);
        }

        return events;
    }
}
