using System.Net;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.TestPostgres;
using Microsoft.AspNetCore.Hosting;

namespace LlmAspire.Api.Tests.OpenAi;

/// <summary>What a program hears of an Api that is not there yet.</summary>
public sealed class StartingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static readonly object Ask = new { model = "chat-default", stream = true, messages = new[] { new { role = "user", content = "Hi" } } };

    [Fact]
    public async Task without_its_schema_the_api_answers_503_in_openais_form()
    {
        await using var gateway = await TestGateway.StartAsync();
        // Nobody listens there.
        await using var api = Start(gateway.BaseUrl, $"Host=127.0.0.1;Port={TestGateway.FreePort()};Database=llm;Username=nobody;Password=nothing");
        using var client = api.CreateClient();

        foreach (var (method, path, key) in ((HttpMethod, string, string?)[])
        [
            (HttpMethod.Get, "/v1/models", "llma_any"), (HttpMethod.Get, "/v1/models/chat-default", "llma_any"),
            (HttpMethod.Post, "/v1/chat/completions", "llma_any"), (HttpMethod.Post, "/v1/chat/completions", null),
        ])
        {
            using var response = await client.SendAsync(method, path, key, method == HttpMethod.Post ? Ask : null);

            await response.IsErrorAsync(HttpStatusCode.ServiceUnavailable, "accounts_starting", "server_error");
            Assert.NotNull(response.Headers.RetryAfter?.Delta);
        }

        Assert.Empty(gateway.Chats);
    }

    [Fact]
    public async Task without_its_gateway_the_api_answers_503_in_openais_form_until_it_comes()
    {
        var port = TestGateway.FreePort();
        await using var api = Start($"http://127.0.0.1:{port}", await PostgresFixture.Shared.ReserveDatabaseAsync());
        using var client = api.CreateClient();
        await Until.TrueAsync(async () => (await client.GetAsync("/identity/me", Token)).StatusCode != HttpStatusCode.ServiceUnavailable);
        var tokens = await client.SignInAsync("pro@demo.local", "Demo-1234!");
        using var made = await client.SendAsync(HttpMethod.Post, "/identity/api-keys", tokens.Access, new { name = "test" });
        var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString();

        foreach (var (method, path) in ((HttpMethod, string)[])[(HttpMethod.Get, "/v1/models"), (HttpMethod.Post, "/v1/chat/completions")])
        {
            using var response = await client.SendAsync(method, path, key, method == HttpMethod.Post ? Ask : null);

            await response.IsErrorAsync(HttpStatusCode.ServiceUnavailable, "gateway_starting", "server_error");
            Assert.NotNull(response.Headers.RetryAfter?.Delta);
        }

        await using var gateway = await TestGateway.StartAsync(port);
        await Until.TrueAsync(async () => (await client.GetAsync("/health", Token)).IsSuccessStatusCode);
        using var answer = await client.SendAsync(HttpMethod.Post, "/v1/chat/completions", key, Ask);
        Assert.EndsWith("data: [DONE]\n\n", await answer.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    private static ApiFactory Start(string gateway, string ledger)
    {
        var api = new ApiFactory(gateway) { Ledger = ledger, Settings = { [WebHostDefaults.ServerUrlsKey] = "http://127.0.0.1:0" } };
        api.UseKestrel();
        api.StartServer();
        return api;
    }
}
