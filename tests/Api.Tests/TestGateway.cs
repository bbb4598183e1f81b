using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Api.Tests;

/// <summary>A gateway on a real port that sends the bytes it is told to send.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    public const string Key = "sk-test";

    private readonly WebApplication _app;

    private TestGateway(WebApplication app) => _app = app;

    /// <summary>Answers a chat completion; by default a short stream or plain answer, as asked for.</summary>
    public RequestDelegate OnChat { get; set; } = context => Answers.Normal(context);

    public string Models { get; set; } = """
        {"data":[
          {"id":"chat-default","object":"model","owned_by":"openai"},
          {"id":"claude-default","object":"model","owned_by":"openai"},
          {"id":"strong-reasoning","object":"model","owned_by":"openai"},
          {"id":"in-house","object":"model","owned_by":"openai"},
          {"id":"embed","object":"model","owned_by":"openai"}],"object":"list"}
        """;

    public string ModelInfo { get; set; } = """
        {"data":[
          {"model_name":"chat-default","litellm_params":{"model":"openai/gpt-4o-mini"},"model_info":{"id":"chat-default-1",
            "litellm_provider":"openai","label":"Everyday","mode":"chat","max_input_tokens":128000,"max_output_tokens":16384,
            "supports_function_calling":true,"supports_vision":true}},
          {"model_name":"chat-default","litellm_params":{"model":"azure/gpt-4o-mini-eu"},"model_info":{"id":"chat-default-2",
            "litellm_provider":"azure","label":"Everyday (second)","mode":"chat","max_input_tokens":64000,"max_output_tokens":4096,
            "supports_function_calling":true,"supports_vision":false}},
          {"model_name":"claude-default","litellm_params":{"model":"anthropic/claude-sonnet-4-5"},"model_info":{"id":"claude-default-1",
            "litellm_provider":"anthropic","label":"Claude","mode":"chat","required_plan":"pro","max_input_tokens":200000,
            "max_output_tokens":64000,"supports_function_calling":true}},
          {"model_name":"strong-reasoning","litellm_params":{"model":"openai/o3"},"model_info":{"id":"strong-reasoning-1",
            "litellm_provider":"openai","required_plan":"enterprise","mode":"chat"}},
          {"model_name":"in-house","litellm_params":{"model":"openai/my-7b"},"model_info":{"id":"in-house-1","litellm_provider":null,
            "mode":null,"max_input_tokens":null,"supports_function_calling":null}},
          {"model_name":"embed","litellm_params":{"model":"openai/text-embedding-3-small"},"model_info":{"id":"embed-1","mode":"embedding"}}]}
        """;

    /// <summary>The status of every answer to the small requests.</summary>
    public int CatalogStatus { get; set; } = StatusCodes.Status200OK;

    public ConcurrentQueue<SeenRequest> Chats { get; } = [];

    public ConcurrentQueue<string> CatalogRequests { get; } = [];

    public string BaseUrl => _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

    public static async Task<TestGateway> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        var gateway = new TestGateway(app);
        app.MapGet("/health/readiness", context => gateway.AnswerAsync(context, """{"status":"healthy"}"""));
        app.MapGet("/v1/models", context => gateway.AnswerAsync(context, gateway.Models));
        app.MapGet("/model/info", context => gateway.AnswerAsync(context, gateway.ModelInfo));
        app.MapPost("/v1/chat/completions", async context =>
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body);
            gateway.Chats.Enqueue(new SeenRequest(
                body.RootElement.Clone(), context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            context.Items[Answers.StreamItem] = body.RootElement.TryGetProperty("stream", out var stream) && stream.GetBoolean();
            context.Response.Headers["x-litellm-call-id"] = context.Request.Headers["x-litellm-call-id"];
            await gateway.OnChat(context);
        });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return gateway;
    }

    /// <summary>A port that nobody listens on just now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private Task AnswerAsync(HttpContext context, string json)
    {
        CatalogRequests.Enqueue(context.Request.Path);
        context.Response.StatusCode = CatalogStatus;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }
}

internal sealed record SeenRequest(JsonElement Body, IReadOnlyDictionary<string, string> Headers);

/// <summary>What gateways send, byte for byte.</summary>
internal static class Answers
{
    public const string StreamItem = "stream";

    public const string UsageJson =
        """{"completion_tokens":8,"prompt_tokens":11,"total_tokens":19,"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":3},"prompt_tokens_details":{"audio_tokens":0,"cached_tokens":4}}""";

    public const string Content = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1795391504,\"model\":\"chat-default\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hello\"}}]}\n\n"
        + "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1795391504,\"model\":\"chat-default\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\", world\"}}]}\n\n";

    public const string Finish = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1795391504,\"model\":\"chat-default\",\"choices\":[{\"finish_reason\":\"stop\",\"index\":0,\"delta\":{}}]}\n\n";

    public const string Done = "data: [DONE]\n\n";

    public const string ErrorEvent = "data: {\"error\": {\"message\": \"MidStreamFallbackError at secret-upstream\", \"type\": \"None\", \"param\": \"None\", \"code\": \"503\"}}\n\n";

    public const string ErrorBody =
        """{"error":{"message":"litellm.InternalServerError: OpenAIException secret-upstream. Fallbacks=[{'chat-default': ['claude-default']}]","type":null,"param":null,"code":"500"}}""";

    public const string Plain = """{"id":"c1","object":"chat.completion","created":1795391504,"model":"chat-default","choices":[{"finish_reason":"stop","index":0,"message":{"content":"Hello, world","role":"assistant"}}],"usage":"""
        + UsageJson + "}";

    public static string Usage(string usage, string choices = """[{"index":0,"delta":{}}]""") =>
        $"data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1795391504,\"model\":\"chat-default\",\"choices\":{choices},\"usage\":{usage}}}\n\n";

    public static string Stream => Content + Finish + Usage(UsageJson) + Done;

    public static async Task Normal(HttpContext context)
    {
        context.Response.Headers["x-litellm-model-id"] = "chat-default-1";
        if (context.Items[StreamItem] is true)
        {
            await SendStream(Stream)(context);
        }
        else
        {
            context.Response.Headers["x-litellm-attempted-retries"] = "1";
            context.Response.Headers["x-litellm-attempted-fallbacks"] = "0";
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(Plain);
        }
    }

    /// <summary>Sends the text as a stream of events and ends properly.</summary>
    public static RequestDelegate SendStream(string text) => async context =>
    {
        context.Response.Headers["x-litellm-model-id"] = "chat-default-1";
        context.Response.ContentType = "text/event-stream; charset=utf-8";
        await context.Response.WriteAsync(text);
    };

    public static RequestDelegate SendJson(int status, string json) => async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(json);
    };

    /// <summary>Sends the text and then, when told, breaks the connection.</summary>
    public static RequestDelegate SendAndReset(string text, string contentType, Task when) => async context =>
    {
        context.Response.ContentType = contentType;
        await context.Response.WriteAsync(text);
        await context.Response.Body.FlushAsync();
        await when;
        context.Abort();
    };

    /// <summary>Sends the text and then keeps silent until the client goes away.</summary>
    public static RequestDelegate SendAndWait(string text, TaskCompletionSource? clientGone = null) => async context =>
    {
        context.Response.ContentType = context.Items[StreamItem] is true ? "text/event-stream" : "application/json";
        await context.Response.WriteAsync(text);
        await context.Response.Body.FlushAsync();
        var gone = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
        await gone.Task;
        clientGone?.TrySetResult();
    };
}
