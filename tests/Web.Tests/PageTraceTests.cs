using System.Collections.Concurrent;
using System.Diagnostics;
using LlmAspire.Web.Api;
using LlmAspire.Web.Layout;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Web.Tests;

/// <summary>What people do on pages is in traces; what pages ask for by themselves is not.</summary>
public sealed class PageTraceTests : IDisposable
{
    private const string OtherSource = "LlmAspire.Web.Tests.PageTraceTests";

    private readonly ConcurrentQueue<Activity> _ended = [];
    private readonly ActivityListener _listener;
    private readonly ActivitySource _other = new(OtherSource);

    public PageTraceTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "LlmAspire.Web.Page" or "Microsoft.AspNetCore" or OtherSource,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/sign-in", true)]
    [InlineData("GET", "/theme.js", false)]
    [InlineData("GET", "/_framework/blazor.web.js", false)]
    [InlineData("GET", "/_blazor/initializers/", false)]
    [InlineData("POST", "/_blazor/negotiate?negotiateVersion=1", false)]
    [InlineData("POST", "/_blazor/disconnect/", false)]
    [InlineData("GET", "/health", false)]
    [InlineData("GET", "/alive", false)]
    public async Task a_page_is_in_a_trace_and_what_it_asks_for_by_itself_is_not(string method, string address, bool isRecorded)
    {
        await using var application = new WebApplicationFactory<App>().WithWebHostBuilder(builder => builder.ConfigureLogging(logging => logging.ClearProviders()));
        using var client = application.CreateClient();
        var trace = ActivityTraceId.CreateRandom();
        using var request = new HttpRequestMessage(new HttpMethod(method), address);
        request.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01");

        using var response = await client.SendAsync(request, Token);
        var span = _ended.FirstOrDefault(span => span.TraceId == trace);
        while (span is null)
        {
            // It ends behind the answer.
            await Task.Yield();
            span = _ended.FirstOrDefault(span => span.TraceId == trace);
        }

        Assert.NotEqual(System.Net.HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(isRecorded, span.Recorded);
    }

    [Fact]
    public async Task the_requests_of_an_action_are_in_one_trace_those_at_the_same_time_below_one_span()
    {
        var name = $"page /{Guid.NewGuid()}";
        PageAction.Begin(name, DateTimeOffset.UtcNow);

        var held = new TaskCompletionSource();
        var first = SendAsync(held.Task);
        var second = await SendAsync();
        held.SetResult();
        var later = await SendAsync();

        Assert.Equal([name, name], _ended.Where(span => span.OperationName == name).Select(span => span.DisplayName));
        Assert.Same(await first, second);
        Assert.Equal(default, second!.ParentSpanId);
        Assert.Equal((second.TraceId, second.SpanId), (later!.TraceId, later.ParentSpanId));
    }

    [Fact]
    public async Task an_action_that_asks_nothing_makes_no_span_and_neither_does_one_in_a_trace_of_its_own()
    {
        var name = $"page /{Guid.NewGuid()}";
        PageAction.Begin(name, DateTimeOffset.UtcNow);
        using (var send = _other.StartActivity("send"))
        {
            Assert.Same(send, await SendAsync());
        }

        PageAction.Detach();

        Assert.Null(await SendAsync());
        Assert.DoesNotContain(_ended, span => span.OperationName == name);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _other.Dispose();
    }

    /// <summary>Sends a request, and says what its span would be below.</summary>
    /// <param name="until">When it is answered; null for at once.</param>
    private static async Task<Activity?> SendAsync(Task? until = null)
    {
        var wire = new Wire(until ?? Task.CompletedTask);
        using var http = new HttpMessageInvoker(new PageTraceHandler { InnerHandler = wire });
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://api/models");
        using var response = await http.SendAsync(request, Token);
        return wire.Seen;
    }

    private sealed class Wire(Task until) : HttpMessageHandler
    {
        public Activity? Seen { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Seen = Activity.Current;
            await until;
            return new HttpResponseMessage();
        }
    }
}
