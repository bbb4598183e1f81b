using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace LlmAspire.DemoGateway.Tests;

/// <summary>The gateway on a real Kestrel at a free port, as fast as possible, with a record of its own.</summary>
public class GatewayFixture : IDisposable
{
    public const string Key = "sk-test-master-key";

    private readonly Gateway _gateway;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("demo-gateway-");

    public GatewayFixture()
        : this([])
    {
    }

    /// <param name="settings">In addition to the usual ones.</param>
    /// <param name="config">The text of a <c>config.yaml</c>; the shipped one when null.</param>
    protected GatewayFixture(IEnumerable<KeyValuePair<string, string>> settings, string? config = null)
    {
        if (config is not null)
        {
            var path = Path.Combine(_folder.FullName, "config.yaml");
            File.WriteAllText(path, config);
            settings = [.. settings, KeyValuePair.Create("Gateway:ConfigPath", path)];
        }

        ServedPath = Path.Combine(_folder.FullName, "served.jsonl");
        _gateway = new Gateway([
            KeyValuePair.Create(WebHostDefaults.ServerUrlsKey, "http://127.0.0.1:0"),
            KeyValuePair.Create("LITELLM_MASTER_KEY", Key),
            KeyValuePair.Create("Gateway:ServedPath", ServedPath),
            KeyValuePair.Create("Logging:LogLevel:Default", "Warning"),
            KeyValuePair.Create("Logging:LogLevel:Microsoft.Hosting.Lifetime", "Warning"),
            KeyValuePair.Create("Gateway:TokensPerSecond", "0"),
            KeyValuePair.Create("Gateway:TimeToFirstTokenMs", "0"),
            .. settings]);
        // Not UseKestrel(0): it sets the address while Program may be starting the server already, and then throws.
        _gateway.UseKestrel();
        _gateway.StartServer();
        Anonymous = _gateway.CreateClient();
        Client = _gateway.CreateClient();
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Key);
    }

    public string ServedPath { get; }

    /// <summary>Shows the key.</summary>
    public HttpClient Client { get; }

    public HttpClient Anonymous { get; }

    /// <summary>As SIGTERM does.</summary>
    public void Stop() => _gateway.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

    /// <param name="fault">The value of <c>x-demo-fault</c>.</param>
    public Task<HttpResponseMessage> PostAsync(string json, string? callId = null, string path = "/v1/chat/completions", string? fault = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        if (callId is not null)
        {
            request.Headers.Add("x-litellm-call-id", callId);
        }

        if (fault is not null)
        {
            request.Headers.Add("x-demo-fault", fault);
        }

        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>An answer as one body; asserts that it is one.</summary>
    public async Task<JsonNode> CompleteAsync(string json, string? callId = null, string? fault = null)
    {
        using var response = await PostAsync(json, callId, fault: fault);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, body);
        return JsonNode.Parse(body)!;
    }

    /// <summary>The data of the events of a streamed answer.</summary>
    public async Task<IReadOnlyList<string>> StreamAsync(string json, string? callId = null, string? fault = null)
    {
        using var response = await PostAsync(json, callId, fault: fault);
        return await ReadEventsAsync(response);
    }

    public static async Task<IReadOnlyList<string>> ReadEventsAsync(HttpResponseMessage response)
    {
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, body);
        Assert.EndsWith("\n\n", body, StringComparison.Ordinal);
        return [.. body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(text =>
        {
            Assert.StartsWith("data: ", text, StringComparison.Ordinal);
            return text["data: ".Length..];
        })];
    }

    public async Task<JsonObject> ServedAsync(string callId) => Assert.Single(await AllServedAsync(callId));

    /// <summary>The entries of a call, oldest first.</summary>
    public async Task<IReadOnlyList<JsonObject>> AllServedAsync(string callId)
    {
        var body = await Client.GetStringAsync(new Uri($"/_demo/served?call_id={callId}", UriKind.Relative), TestContext.Current.CancellationToken);
        return [.. JsonNode.Parse(body)!["data"]!.AsArray().Select(entry => entry!.AsObject())];
    }

    /// <summary>Waits until a call of this id is on record and meets the condition.</summary>
    public async Task<JsonObject> UntilServedAsync(string callId, Func<JsonObject, bool> condition)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(20));
        while (true)
        {
            if (await AllServedAsync(callId) is [.., var served] && condition(served))
            {
                return served;
            }

            await Task.Delay(10, timeout.Token);
        }
    }

    /// <summary>The request of one user message, with members added or replaced.</summary>
    public static string Ask(string question, string model = "chat-default", object? with = null)
    {
        var request = new JsonObject
        {
            ["model"] = model,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question }),
        };
        foreach (var (name, value) in with is null ? [] : JsonSerializer.SerializeToNode(with)!.AsObject())
        {
            request[name] = value?.DeepClone();
        }

        return request.ToJsonString();
    }

    public void Dispose()
    {
        Client.Dispose();
        Anonymous.Dispose();
        _gateway.Dispose();
        _folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    private sealed class Gateway(IReadOnlyList<KeyValuePair<string, string>> settings) : WebApplicationFactory<Program>
    {
        protected override void ConfigureWebHost(IWebHostBuilder builder)
        {
            foreach (var (name, value) in settings)
            {
                builder.UseSetting(name, value);
            }
        }
    }
}
