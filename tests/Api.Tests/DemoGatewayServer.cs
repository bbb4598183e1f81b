using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace LlmAspire.Api.Tests;

/// <summary>The demo gateway with its faults, on a port of its own.</summary>
internal sealed class DemoGatewayServer : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("demo-gateway-");
    private readonly DemoGatewayFactory _factory;

    public DemoGatewayServer()
    {
        _factory = new DemoGatewayFactory(Path.Combine(_folder.FullName, "served.jsonl"));
        // Not UseKestrel(0): it sets the address while Program may be starting the server already, and then throws.
        _factory.UseKestrel();
        _factory.StartServer();
        Client = _factory.CreateClient();
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", TestGateway.Key);
    }

    /// <summary>With the gateway's key.</summary>
    public HttpClient Client { get; }

    public string BaseUrl => Client.BaseAddress!.ToString();

    /// <summary>What it served under a call's id, added up: a fallback in the middle is two.</summary>
    public async Task<Served> ServedAsync(Guid callId)
    {
        // It writes the end down when it notices that the client has gone.
        while (true)
        {
            var answer = await Client.GetFromJsonAsync<JsonElement>($"/_demo/served?call_id={callId}", TestContext.Current.CancellationToken);
            var calls = answer.GetProperty("data").EnumerateArray().ToArray();
            if (Array.TrueForAll(calls, call => call.GetProperty("finished").GetBoolean()))
            {
                return new Served(calls.Length, Sum(calls), Sum(calls[Math.Max(calls.Length - 1, 0)..]));
            }

            await Task.Delay(10, TestContext.Current.CancellationToken);

            static ServedTokens Sum(JsonElement[] calls) => new(
                Count(calls, "prompt_tokens"), Count(calls, "completion_tokens"), Count(calls, "cached_tokens"), Count(calls, "cache_write_tokens"), Count(calls, "reasoning_tokens"));

            static long Count(JsonElement[] calls, string name) => calls.Sum(call => call.GetProperty(name).GetInt64());
        }
    }

    /// <summary>All calls that it accepted, as it tells them.</summary>
    public async Task<JsonElement[]> CallsAsync() =>
        [.. (await Client.GetFromJsonAsync<JsonElement>("/_demo/served", TestContext.Current.CancellationToken)).GetProperty("data").EnumerateArray()];

    public async Task ReleaseAsync(string hold)
    {
        using var released = await Client.PostAsync(new Uri($"/_demo/release?name={hold}", UriKind.Relative), null, TestContext.Current.CancellationToken);
        released.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _factory.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

/// <summary>What the gateway says it served for one call.</summary>
/// <param name="Calls">Providers that worked for it.</param>
/// <param name="Tokens">Of all of them.</param>
/// <param name="Last">Of the last one.</param>
internal sealed record Served(int Calls, ServedTokens Tokens, ServedTokens Last);

internal sealed record ServedTokens(long Prompt, long Completion, long Cached, long CacheWrite, long Reasoning)
{
    public long Total => Prompt + Completion;
}
