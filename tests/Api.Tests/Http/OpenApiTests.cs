using System.Net.Http.Json;
using System.Text.Json;

namespace LlmAspire.Api.Tests.Http;

public class OpenApiTests
{
    [Fact]
    public async Task the_document_lists_the_endpoints_with_name_summary_and_tag()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateReadyClientAsync();

        var document = await client.GetFromJsonAsync<JsonElement>("/openapi/v1.json", TestContext.Current.CancellationToken);

        var operations = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => (Key: $"{operation.Name} {path.Name}", operation.Value)))
            .ToDictionary(operation => operation.Key, operation => operation.Value);
        Assert.Equal(
            [
                "delete /chat/runs/{id}", "delete /conversations/{id}", "delete /conversations/{id}/prompt", "delete /identity/api-keys/{id}",
                "delete /organisation/invitations/{id}", "delete /organisation/members/{id}", "delete /prompts/{id}",
                "get /chat/runs/{id}/events", "get /chat/tools", "get /conversations", "get /conversations/{id}", "get /conversations/{id}/export", "get /identity/api-keys",
                "get /identity/me", "get /llm/models", "get /organisation", "get /organisation/invitations", "get /organisation/members", "get /prices", "get /prices/export",
                "get /prices/history", "get /prices/unpriced", "get /prompts", "get /prompts/{id}", "get /prompts/{id}/versions", "get /reconciliation", "get /reconciliation/differences", "get /reconciliation/invoices",
                "get /usage/budget", "get /usage/calls", "get /usage/calls/{id}", "get /usage/export", "get /usage/latency", "get /usage/summary", "get /v1/models", "get /v1/models/{id}", "patch /conversations/{id}", "post /chat", "post /chat/compare", "post /chat/estimate", "post /chat/race", "post /chat/runs/{id}/continue", "post /identity/api-keys", "post /identity/login",
                "post /identity/logout", "post /identity/password", "post /identity/refresh", "post /identity/register", "post /organisation/invitations",
                "post /prices/import", "post /prices/preview", "post /prompts", "post /prompts/system", "post /prompts/{id}/restore", "post /reconciliation/invoices", "post /v1/chat/completions",
                "put /conversations/{id}/prompt", "put /organisation/members/{id}/role", "put /prices", "put /prompts/{id}",
            ],
            operations.Keys.Order(StringComparer.Ordinal));
        Assert.All(operations.Values, operation => Assert.All(
            ["operationId", "summary", "tags"], name => Assert.True(operation.TryGetProperty(name, out _), name)));
        var chat = operations["post /chat"];
        Assert.True(chat.GetProperty("responses").GetProperty("200").GetProperty("content").TryGetProperty("text/event-stream", out _));
        Assert.True(chat.GetProperty("responses").TryGetProperty("503", out _));
        // The caller is not a parameter that anybody sends.
        Assert.Equal(["include"], operations["get /llm/models"].GetProperty("parameters").EnumerateArray().Select(p => p.GetProperty("name").GetString()));
    }
}
