using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using LlmAspire.Web.Tests.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Web.Tests;

/// <summary>
/// The Api as its HTTP contract says, on a real server with real bytes. A test scripts it: what <c>/llm/models</c> answers,
/// and for each <c>/chat</c> either a refusal or a stream whose bytes it hands out when it wants.
/// </summary>
internal sealed class FakeApi : IAsyncDisposable
{
    /// <summary>After this a test that waits fails instead of hanging.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly Channel<ChatCall> _calls = Channel.CreateUnbounded<ChatCall>();
    private readonly Channel<string> _stops = Channel.CreateUnbounded<string>();
    private readonly Channel<ChatCall> _follows = Channel.CreateUnbounded<ChatCall>();
    private readonly Channel<JsonElement> _changes = Channel.CreateUnbounded<JsonElement>();

    private FakeApi()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRouting();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.UseRouting();
        _app.MapGet("/llm/models", context => Models(context));
        _app.MapGet("/chat/tools", () => Tools);
        _app.MapPost("/chat", ChatAsync);
        _app.MapPost("/chat/compare", ChatAsync);
        _app.MapPost("/chat/race", ChatAsync);
        _app.MapDelete("/chat/runs/{runId}", StopAsync);
        _app.MapGet("/chat/runs/{runId}/events", FollowAsync);
        _app.MapPost("/chat/runs/{runId}/continue", context => StreamAsync(new ChatCall(default, context, (string)context.Request.RouteValues["runId"]!, 2), _calls));
        _app.MapGet("/conversations", () => new { items = Conversations, next = (string?)null });
        _app.MapGet("/conversations/{id:guid}", async (Guid id) =>
        {
            await ReadsTaken;
            return Conversation is { } found ? Results.Json(found) : Results.Json(new { code = "conversation_unknown" }, statusCode: ConversationStatus);
        });
        _app.MapPatch("/conversations/{id:guid}", async (JsonElement change) =>
        {
            await _changes.Writer.WriteAsync(change);
            await ChangesTaken;
        });
        Accounts.Map(_app);
        _app.MapFallback(async context =>
        {
            Asked.Enqueue($"{context.Request.Method} {context.Request.Path}{Uri.UnescapeDataString(context.Request.QueryString.Value ?? "")}");
            await (await Other(context)).ExecuteAsync(context);
        });
    }

    public Uri Address { get; private set; } = null!;

    public FakeAccounts Accounts { get; } = new();

    /// <summary>Answers <c>GET /llm/models</c>.</summary>
    public RequestDelegate Models { get; set; } = context => context.Response.WriteAsJsonAsync(TwoModels);

    /// <summary>Answers <c>GET /chat/tools</c>.</summary>
    public object[] Tools { get; set; } = [];

    /// <summary>Refuses the next messages; null answers them.</summary>
    public RequestDelegate? RefuseChat { get; set; }

    /// <summary>Answers <c>DELETE /chat/runs/{id}</c>.</summary>
    public int StopStatus { get; set; } = StatusCodes.Status204NoContent;

    /// <summary>Answers <c>GET /conversations</c>.</summary>
    public object[] Conversations { get; set; } = [];

    /// <summary>Answers <c>GET /conversations/{id}</c>; null for <see cref="ConversationStatus"/>.</summary>
    public object? Conversation { get; set; }

    /// <summary><c>GET /conversations/{id}</c> is answered after it.</summary>
    public Task ReadsTaken { get; set; } = Task.CompletedTask;

    /// <summary>Answers <c>GET /conversations/{id}</c> when there is no <see cref="Conversation"/>.</summary>
    public int ConversationStatus { get; set; } = StatusCodes.Status404NotFound;

    /// <summary>Changes of conversations are answered after it.</summary>
    public Task ChangesTaken { get; set; } = Task.CompletedTask;

    /// <summary>Refuses to have runs followed, with this status; null streams.</summary>
    public int? FollowStatus { get; set; }

    /// <summary>Whether a message came that no test has taken yet.</summary>
    public bool WasAsked => _calls.Reader.Count > 0;

    /// <summary>Whether a stop came that no test has taken yet.</summary>
    public bool WasStopped => _stops.Reader.Count > 0;

    /// <summary>Answers what nothing else here does.</summary>
    public Func<HttpContext, Task<IResult>> Other { get; set; } = _ => Task.FromResult(Results.NotFound());

    /// <summary>What <see cref="Other"/> was asked, as <c>GET /path?query</c>, in order.</summary>
    public ConcurrentQueue<string> Asked { get; } = [];

    public static object[] TwoModels { get; } =
    [
        new { id = "chat-default", label = "GPT-4.1 mini", provider = "openai", available = true, requiredPlan = "basic", contextWindow = 128000 },
        new { id = "claude-default", label = "Claude", provider = "anthropic", available = true, requiredPlan = "pro", contextWindow = 200000 },
    ];

    public static async Task<FakeApi> StartAsync()
    {
        var api = new FakeApi();
        await api._app.StartAsync();
        api.Address = new Uri(api._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return api;
    }

    /// <summary>The next message the page sends.</summary>
    public Task<ChatCall> NextChatAsync() => _calls.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);

    /// <summary>The run the page stops next.</summary>
    public Task<string> NextStopAsync() => _stops.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);

    /// <summary>The next reader of a run.</summary>
    public Task<ChatCall> NextFollowAsync() => _follows.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);

    /// <summary>The next change of a conversation.</summary>
    public Task<JsonElement> NextChangeAsync() => _changes.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);

    public static Task ProblemAsync(HttpContext context, int status, string? code = null, string? detail = null)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(
            new { status, title = "As the Api says it", detail, code, traceId = TraceIdOf(context) },
            options: null,
            contentType: "application/problem+json");
    }

    public static string TraceIdOf(HttpContext context) => context.Request.Headers.TraceParent.ToString().Split('-').ElementAtOrDefault(1) ?? "";

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync(); // a test that failed leaves streams open
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task ChatAsync(HttpContext context)
    {
        using var body = new StreamReader(context.Request.Body);
        var json = JsonDocument.Parse(await body.ReadToEndAsync(context.RequestAborted));
        var call = new ChatCall(json.RootElement, context);
        if (RefuseChat is { } refuse)
        {
            await refuse(context);
            await _calls.Writer.WriteAsync(call, CancellationToken.None);
            return;
        }

        await StreamAsync(call, _calls);
    }

    private async Task FollowAsync(HttpContext context)
    {
        if (FollowStatus is { } status)
        {
            await ProblemAsync(context, status);
            return;
        }

        await StreamAsync(new ChatCall(default, context, (string)context.Request.RouteValues["runId"]!, 1), _follows);
    }

    /// <summary>From here on the test writes.</summary>
    private static async Task StreamAsync(ChatCall call, Channel<ChatCall> calls)
    {
        call.Context.Response.ContentType = "text/event-stream";
        await call.Context.Response.StartAsync(call.Context.RequestAborted);
        await calls.Writer.WriteAsync(call, call.Context.RequestAborted);
        await call.Ended.WaitAsync(call.Context.RequestAborted);
    }

    private async Task StopAsync(HttpContext context)
    {
        context.Response.StatusCode = StopStatus;
        await _stops.Writer.WriteAsync((string)context.Request.RouteValues["runId"]!, context.RequestAborted);
    }
}

/// <summary>A message that arrived, or a reader, and the stream of the answer.</summary>
/// <param name="attempt">1, or 2 when the answer is continued.</param>
internal sealed class ChatCall(JsonElement body, HttpContext context, string? runId = null, int attempt = 1)
{
    public static readonly Guid Conversation = new("0199cccc-0000-7000-8000-000000000001");

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _sequence;

    public HttpContext Context => context;

    public JsonElement Body { get; } = body;

    public string RunId { get; } = runId ?? Guid.CreateVersion7().ToString();

    public Guid UserMessageId { get; } = Guid.CreateVersion7();

    public Guid MessageId { get; } = Guid.CreateVersion7();

    public string? LastEventId { get; } = context.Request.Headers["Last-Event-ID"];

    public string? TraceParent { get; } = context.Request.Headers.TraceParent;

    public string TraceId { get; } = FakeApi.TraceIdOf(context);

    public Task Ended => _ended.Task;

    public Task RunAsync() => EventAsync(
        "run",
        new
        {
            runId = RunId,
            attempt,
            requestId = "r-1",
            conversationId = Conversation,
            userMessageId = UserMessageId,
            messageId = MessageId,
            model = "chat-default",
            traceId = TraceId,
        });

    public Task DeltaAsync(string text) => EventAsync("delta", new { text });

    public Task UsageAsync(string source = "provider", string outcome = "completed", long? prompt = 1234, long? completion = 56) =>
        EventAsync("usage", new
        {
            callId = "0199aaaa-0000-7000-8000-000000000001",
            model = "chat-default",
            provider = "openai",
            servedModel = "gpt-4.1-mini-2025-04-14",
            promptTokens = prompt,
            completionTokens = completion,
            cachedPromptTokens = 0,
            reasoningTokens = (long?)null,
            source,
            outcome,
            ttftMs = 420,
            durationMs = 3140.5,
            traceId = TraceId,
        });

    public async Task DoneAsync(string finishReason = "stop")
    {
        await EventAsync("done", new { finishReason });
        End();
    }

    /// <summary>A whole answer.</summary>
    public async Task AnswerAsync(string text)
    {
        await RunAsync();
        await DeltaAsync(text);
        await UsageAsync();
        await DoneAsync();
    }

    public Task EventAsync(string type, object data) =>
        BytesAsync(Encoding.UTF8.GetBytes($"event: {type}\nid: {RunId}:{attempt}:{++_sequence}\ndata: {JsonSerializer.Serialize(data)}\n\n"));

    public async Task BytesAsync(ReadOnlyMemory<byte> bytes)
    {
        await context.Response.Body.WriteAsync(bytes, TestContext.Current.CancellationToken);
        await context.Response.Body.FlushAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Closes the stream in good order, whatever was sent.</summary>
    public void End() => _ended.TrySetResult();

    /// <summary>Resets the connection.</summary>
    public void Abort() => context.Abort();
}
