using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmAspire.UsageWorker.Tests.Prices;

/// <summary>A gateway whose <c>/model/info</c> says what the test wants it to say.</summary>
internal sealed class TestGateway : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _asked;

    private TestGateway()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Use(next => context =>
        {
            Traceparents.Enqueue(context.Request.Headers.TraceParent.ToString());
            return next(context);
        });
        _app.MapGet("/model/info", async context =>
        {
            Interlocked.Increment(ref _asked);
            Key = context.Request.Headers.Authorization;
            context.Response.StatusCode = Status;
            await context.Response.WriteAsync(Body, context.RequestAborted);
        });
    }

    public string Url => _app.Urls.Single();

    public int Status { get; set; } = StatusCodes.Status200OK;

    public string Body { get; set; } = """{"data":[]}""";

    /// <summary>What the last one who asked showed.</summary>
    public string? Key { get; private set; }

    /// <summary>Of each request to any endpoint.</summary>
    public ConcurrentQueue<string> Traceparents { get; } = new();

    /// <summary>How often it was asked.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public static async Task<TestGateway> StartAsync()
    {
        var gateway = new TestGateway();
        await gateway._app.StartAsync(TestContext.Current.CancellationToken);
        return gateway;
    }

    /// <param name="input">USD per token.</param>
    public static string ModelInfo(string input) => $$$"""
        {"data":[{"model_name":"a","litellm_params":{"model":"openai/m"},
         "model_info":{"litellm_provider":"openai","input_cost_per_token":{{{input}}},"output_cost_per_token":1e-05}}]}
        """;

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
