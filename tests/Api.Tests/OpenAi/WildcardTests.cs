using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.TestPostgres;

namespace LlmAspire.Api.Tests.OpenAi;

public class WildcardTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_wildcard_of_the_gateway_is_in_no_list_and_cannot_be_called()
    {
        await using var gateway = await TestGateway.StartAsync();
        gateway.Models = """{"data":[{"id":"*"},{"id":"openai/*"},{"id":"chat-default"}]}""";
        gateway.ModelInfo = """{"data":[{"model_name":"openai/*","litellm_params":{"model":"openai/*"},"model_info":{"id":"any"}}]}""";
        await using var api = new ApiFactory(gateway.BaseUrl) { Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync() };
        using var client = await api.CreateSignedInClientAsync();
        using var made = await client.PostAsJsonAsync("/identity/api-keys", new { name = "test" }, Token);
        var key = (await made.ReadAsync(HttpStatusCode.Created)).GetProperty("key").GetString();
        using var program = await api.CreateReadyClientAsync();
        program.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);

        var shown = await client.GetFromJsonAsync<JsonElement>("/llm/models", Token);
        var listed = await program.GetFromJsonAsync<JsonElement>("/v1/models", Token);
        Assert.Equal("chat-default", Assert.Single(shown.EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal("chat-default", Assert.Single(listed.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());

        foreach (var wildcard in new[] { "*", "openai/*" })
        {
            using var called = await program.PostAsJsonAsync("/v1/chat/completions", new { model = wildcard, messages = new[] { new { role = "user", content = "Hi" } } }, Token);
            await called.IsErrorAsync(HttpStatusCode.NotFound, "model_not_found", param: "model");
            using var chatted = await client.ChatAsync(new { message = "Hi", model = wildcard });
            Assert.Equal("model_unknown", (await chatted.ReadProblemAsync()).GetProperty("code").GetString());
        }

        Assert.Empty(gateway.Chats);
    }
}
