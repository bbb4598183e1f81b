using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmAspire.UsageWorker.Tests.Reconciliation;

/// <summary>A gateway whose spend logs say what the test wants them to say, at whatever time.</summary>
internal sealed class SpendLogGateway : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _asked;
    private int _slips;

    private SpendLogGateway(string url)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url);
        _app = builder.Build();
        _app.MapGet("/spend/logs/v2", async context =>
        {
            Interlocked.Increment(ref _asked);
            context.Response.StatusCode = Status;
            await context.Response.WriteAsync(Body ?? Page(context), context.RequestAborted);
        });
        _app.MapGet("/model/info", () => Results.Content("""{"data":[]}""", "application/json"));
    }

    public string Url => _app.Urls.Single();

    public int Status { get; set; } = StatusCodes.Status200OK;

    /// <summary>Instead of the logs.</summary>
    public string? Body { get; set; }

    /// <summary>Larger pages are 422.</summary>
    public int MostPerPage { get; init; } = 1000;

    public List<JsonObject> Logs { get; } = [];

    /// <summary>The next so many answers lack a log that they count.</summary>
    public void Slip(int times) => Volatile.Write(ref _slips, times);

    /// <summary>How often it was asked.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public static async Task<SpendLogGateway> StartAsync(string url = "http://127.0.0.1:0", int mostPerPage = 1000)
    {
        var gateway = new SpendLogGateway(url) { MostPerPage = mostPerPage };
        await gateway._app.StartAsync(TestContext.Current.CancellationToken);
        return gateway;
    }

    public static JsonObject Log(string requestId, DateTimeOffset start, int prompt = 12, int completion = 34, JsonNode? metadata = null, double spend = 0) => new()
    {
        ["request_id"] = requestId,
        ["call_type"] = "acompletion",
        ["spend"] = spend,
        ["prompt_tokens"] = prompt,
        ["completion_tokens"] = completion,
        ["startTime"] = start.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff", CultureInfo.InvariantCulture),
        ["model"] = "openai/gpt-6-luna",
        ["custom_llm_provider"] = "openai",
        ["status"] = "success",
        ["metadata"] = metadata,
    };

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private string Page(HttpContext context)
    {
        var query = context.Request.Query;
        int size = int.Parse(query["page_size"]!, CultureInfo.InvariantCulture), page = int.Parse(query["page"]!, CultureInfo.InvariantCulture);
        if (size > MostPerPage)
        {
            context.Response.StatusCode = StatusCodes.Status422UnprocessableEntity;
            return """{"detail":[]}""";
        }

        DateTime from = Time(query["start_date"]!), to = Time(query["end_date"]!);
        JsonNode?[] within = [.. Logs.Where(log => Start(log) >= from && Start(log) <= to).OrderBy(Start).Select(log => log.DeepClone())];
        return new JsonObject
        {
            ["data"] = new JsonArray([.. within.Skip((page - 1) * size + (Interlocked.Decrement(ref _slips) >= 0 ? 1 : 0)).Take(size)]),
            // As LiteLLM counts: no further than it likes.
            ["total"] = Math.Min(within.Length, 10),
            ["total_pages"] = 1,
            ["total_is_capped"] = within.Length > 10,
        }.ToJsonString();
    }

    private static DateTime Start(JsonObject log) => DateTime.Parse((string)log["startTime"]!, CultureInfo.InvariantCulture);

    private static DateTime Time(string text) => DateTime.ParseExact(text, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
}
