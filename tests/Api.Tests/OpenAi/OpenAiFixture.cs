using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>The Api on a port, over the demo gateway and a database of its own.</summary>
public class OpenAiFixture : IAsyncLifetime
{
    private UsageIngestion? _ingestion;

    internal DemoGatewayServer Gateway { get; } = new();

    internal ApiFactory Api { get; private set; } = null!;

    /// <summary>Without credentials.</summary>
    internal HttpClient Client { get; private set; } = null!;

    /// <summary>The address that OpenAI's clients take.</summary>
    internal Uri BaseUrl => new(Client.BaseAddress!, "/v1");

    /// <summary>What the class under test has otherwise than the Api.</summary>
    protected virtual IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>();

    /// <summary>Where the database is.</summary>
    protected virtual PostgresFixture Postgres => PostgresFixture.Shared;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Api = new ApiFactory(Gateway.BaseUrl)
        {
            Ledger = await Postgres.ReserveDatabaseAsync(),
            Settings =
            {
                [WebHostDefaults.ServerUrlsKey] = "http://127.0.0.1:0",
                ["Plans:Basic:ConcurrentRuns"] = "1000",
                ["Plans:Pro:ConcurrentRuns"] = "1000",
            },
        };
        foreach (var (key, value) in Settings)
        {
            Api.Settings[key] = value;
        }

        Api.UseKestrel();
        Api.StartServer();
        Client = await Api.CreateReadyClientAsync();
        _ingestion = ActivatorUtilities.CreateInstance<UsageIngestion>(Api.Services);
    }

    public virtual async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Api.DisposeAsync();
        await Gateway.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>A new key of a demo account, so that the rows of a test are those of its key.</summary>
    internal async Task<TestKey> CreateKeyAsync(string user = "pro")
    {
        var tokens = await Client.SignInAsync($"{user}@demo.local", "Demo-1234!");
        using var made = await Client.SendAsync(HttpMethod.Post, "/identity/api-keys", tokens.Access, new { name = "test" });
        var key = await made.ReadAsync(HttpStatusCode.Created);
        return new TestKey(key.GetProperty("id").GetGuid(), key.GetProperty("key").GetString()!);
    }

    /// <summary>The rows of a key as soon as there are so many, each held against what the gateway says it served.</summary>
    internal async Task<List<UsageRow>> RowsAsync(TestKey key, int count = 1)
    {
        List<UsageRow> rows = [];
        await Until.TrueAsync(async () =>
        {
            while (await _ingestion!.IngestAsync(500, Token) is { Taken: > 0 })
            {
            }

            await using var scope = Api.Services.CreateAsyncScope();
            rows = await scope.ServiceProvider.GetRequiredService<LedgerContext>().Usage.AsNoTracking()
                .Where(row => row.ApiKeyId == key.Id).OrderBy(row => row.Id).ToListAsync(Token);
            return rows.Count >= count;
        });
        Assert.Equal(count, rows.Count);
        foreach (var row in rows)
        {
            Assert.Equal(UsageOperation.Api, row.Operation);
            if (row.Source == UsageSource.Provider)
            {
                // The parts of a call have its id in common; what a provider tells is of the last of them.
                Assert.Equal(
                    (await Gateway.ServedAsync(Guid.Parse(row.GatewayCallId!))).Last.Tokens,
                    new ServedTokens(row.PromptTokens, row.CompletionTokens, row.CachedPromptTokens ?? 0, row.CacheWriteTokens ?? 0, row.ReasoningTokens ?? 0));
            }
        }

        return rows;
    }

    /// <summary>Sends a completion as its bytes are here.</summary>
    /// <param name="leaving">Cancelled when the client leaves.</param>
    internal async Task<HttpResponseMessage> PostAsync(TestKey key, object body, CancellationToken? leaving = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(body) };
        request.Headers.Authorization = new("Bearer", key.Secret);
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving ?? Token);
    }
}

internal sealed record TestKey(Guid Id, string Secret);

internal static class OpenAiErrorExtensions
{
    /// <summary>The answer is this error in OpenAI's form; the error is returned.</summary>
    public static async Task<JsonElement> IsErrorAsync(this HttpResponseMessage response, HttpStatusCode status, string? code, string type = "invalid_request_error", string? param = null)
    {
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {text}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.True(Guid.TryParse(Assert.Single(response.Headers.GetValues("x-request-id")), out _));
        var error = JsonDocument.Parse(text).RootElement.GetProperty("error");
        Assert.NotEqual("", error.GetProperty("message").GetString());
        Assert.Equal((code, type, param), (error.GetProperty("code").GetString(), error.GetProperty("type").GetString(), error.GetProperty("param").GetString()));
        return error;
    }
}
