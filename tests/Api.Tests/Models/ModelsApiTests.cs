using System.Net.Http.Json;
using System.Text.Json;

namespace LlmAspire.Api.Tests.Models;

public class ModelsApiTests
{
    [Theory]
    [InlineData("basic", "", "chat-default in-house")]
    [InlineData("pro", "", "chat-default claude-default in-house")]
    [InlineData("enterprise", "", "chat-default claude-default strong-reasoning in-house")]
    [InlineData("basic", "?include=locked", "chat-default claude-default(pro) strong-reasoning(enterprise) in-house")]
    [InlineData("pro", "?include=locked", "chat-default claude-default strong-reasoning(enterprise) in-house")]
    public async Task the_list_is_what_the_plan_has_and_on_request_what_it_lacks(string plan, string query, string expected)
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync(plan);

        var models = await client.GetFromJsonAsync<JsonElement[]>("/llm/models" + query, TestContext.Current.CancellationToken);

        Assert.Equal(expected, string.Join(' ', models!.Select(model => model.GetProperty("available").GetBoolean()
            ? model.GetProperty("id").GetString()
            : $"{model.GetProperty("id").GetString()}({model.GetProperty("requiredPlan").GetString()})")));
    }

    [Fact]
    public async Task a_model_is_shown_with_what_is_known_of_it()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = new ApiFactory(gateway.BaseUrl);
        var client = await api.CreateSignedInClientAsync();

        using var response = await client.GetAsync("/llm/models", TestContext.Current.CancellationToken);
        var models = await response.Content.ReadFromJsonAsync<JsonElement[]>(TestContext.Current.CancellationToken);

        // Two deployments: one model, with the smaller of their limits.
        Assert.Equal(
            """{"id":"chat-default","label":"Everyday","provider":"openai","available":true,"requiredPlan":"basic","contextWindow":64000,"maxOutputTokens":4096,"supportsTools":true}""",
            models![0].GetRawText());
        Assert.Equal(
            """{"id":"in-house","label":"in-house","provider":"openai","available":true,"requiredPlan":"basic","contextWindow":null,"maxOutputTokens":null,"supportsTools":null}""",
            models[^1].GetRawText());
        Assert.False(response.Headers.Contains("X-Models-Stale"));
        Assert.NotNull(response.Headers.Age);
    }
}
