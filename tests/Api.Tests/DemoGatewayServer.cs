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
                return new Served([.. calls.Select(ReadPart)]);
            }

            await Task.Delay(10, TestContext.Current.CancellationToken);
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

    private static ServedPart ReadPart(JsonElement call)
    {
        return new ServedPart(
            call.GetProperty("provider").GetString()!,
            call.GetProperty("served_model").GetString()!,
            new ServedTokens(
                Count("prompt_tokens"), Count("completion_tokens"), Count("cached_tokens"), Count("cache_write_tokens"), Count("reasoning_tokens"), Count("cache_write_1h_tokens")));

        long Count(string name) => call.GetProperty(name).GetInt64();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _factory.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

/// <summary>What the gateway says it served for one call.</summary>
/// <param name="Parts">Of each provider that worked for it, in their order.</param>
internal sealed record Served(IReadOnlyList<ServedPart> Parts)
{
    /// <summary>Providers that worked for it.</summary>
    public int Calls => Parts.Count;

    /// <summary>Of all of them.</summary>
    public ServedTokens Tokens => Parts.Aggregate(new ServedTokens(0, 0, 0, 0, 0), (sum, part) => sum.Plus(part.Tokens));

    /// <summary>Of the last one.</summary>
    public ServedPart Last => Parts[^1];
}

internal sealed record ServedPart(string Provider, string Model, ServedTokens Tokens);

internal sealed record ServedTokens(long Prompt, long Completion, long Cached, long CacheWrite, long Reasoning, long CacheWrite1h = 0)
{
    public long Total => Prompt + Completion;

    public ServedTokens Plus(ServedTokens other) => new(
        Prompt + other.Prompt, Completion + other.Completion, Cached + other.Cached, CacheWrite + other.CacheWrite, Reasoning + other.Reasoning, CacheWrite1h + other.CacheWrite1h);
}
