using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using DemoGatewayOptions = LlmAspire.DemoGateway.Configuration.GatewayOptions;

namespace LlmAspire.UsageWorker.Tests.Reconciliation;

/// <summary>The demo gateway on a port of its own, as fast as possible.</summary>
internal sealed class DemoGatewayServer : IDisposable
{
    public const string Key = "sk-demo";

    private readonly Factory _factory;
    private readonly HttpClient _client;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llmaspire-test-served-");

    public DemoGatewayServer(bool spendLogs = true)
    {
        _factory = new Factory(Path.Combine(_folder.FullName, "served.jsonl"), spendLogs);
        _factory.UseKestrel();
        _factory.StartServer();
        _client = _factory.CreateClient();
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
        Url = _client.BaseAddress!.ToString() + "v1";
    }

    public string Url { get; }

    /// <summary>Has a call answered, as the Api would send it.</summary>
    /// <returns>What the ledger would have of it.</returns>
    public async Task<UsageEvent> ChatAsync(string? fault = null, string question = "Explain rain", string model = "chat-default")
    {
        var settle = Calls.Settle();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = JsonContent.Create(new { model, user = settle.UserId, messages = new[] { new { role = "user", content = question } } }),
        };
        request.Headers.Add("x-litellm-call-id", settle.Id.ToString());
        request.Headers.Add(GatewayCallMetadata.Header, GatewayCallMetadata.Of(settle.Id));
        if (fault is not null)
        {
            request.Headers.Add("x-demo-fault", fault);
        }

        using var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        var usage = response.IsSuccessStatusCode
            ? (await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("usage")
            : default;
        var served = (await ServedAsync(settle.Id))[^1];
        return settle with
        {
            GatewayCallId = settle.Id.ToString(),
            Provider = served.GetProperty("provider").GetString(),
            ServedModel = served.GetProperty("served_model").GetString(),
            PromptTokens = usage.ValueKind == JsonValueKind.Undefined ? 0 : usage.GetProperty("prompt_tokens").GetInt64(),
            CompletionTokens = usage.ValueKind == JsonValueKind.Undefined ? 0 : usage.GetProperty("completion_tokens").GetInt64(),
            Outcome = usage.ValueKind == JsonValueKind.Undefined ? UsageOutcome.Failed : UsageOutcome.Completed,
        };
    }

    public void Dispose()
    {
        _client.Dispose();
        _factory.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task<List<JsonElement>> ServedAsync(Guid id)
    {
        var served = await _client.GetFromJsonAsync<JsonElement>(
            new Uri($"/_demo/served?call_id={id}", UriKind.Relative), TestContext.Current.CancellationToken);
        return [.. served.GetProperty("data").EnumerateArray()];
    }

    private sealed class Factory(string servedPath, bool spendLogs) : WebApplicationFactory<DemoGatewayOptions>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            builder.UseSetting(WebHostDefaults.ServerUrlsKey, "http://127.0.0.1:0");
            builder.UseSetting("LITELLM_MASTER_KEY", Key);
            builder.UseSetting("Gateway:ServedPath", servedPath);
            builder.UseSetting("Gateway:SpendLogs", spendLogs.ToString());
            builder.UseSetting("Gateway:TokensPerSecond", "0");
            builder.UseSetting("Gateway:TimeToFirstTokenMs", "0");
            builder.UseSetting("Logging:LogLevel:Default", "None");
        }
    }
}
