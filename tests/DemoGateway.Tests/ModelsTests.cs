using System.Net;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

public class ModelsTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    [Theory]
    [InlineData("/v1/models")]
    [InlineData("/models")]
    public async Task models_are_the_aliases_and_do_not_tell_the_provider(string path)
    {
        var list = await GetAsync(path);

        Assert.Equal("list", (string?)list["object"]);
        Assert.Equal(
            ["chat-default", "claude-default", "gemini-default", "mistral-default", "fast-reasoning", "strong-reasoning", "prompt-helper"],
            list["data"]!.AsArray().Select(model => (string)model!["id"]!));
        Assert.All(list["data"]!.AsArray(), model => Assert.Equal(
            $$"""{"id":"{{model!["id"]}}","object":"model","created":1677610602,"owned_by":"openai"}""", model.ToJsonString()));
    }

    [Fact]
    public async Task metadata_tells_the_fallbacks_when_asked_for()
    {
        var models = (await GetAsync("/v1/models?include_metadata=true"))["data"]!.AsArray();

        Assert.Equal("""{"fallbacks":["claude-default"]}""", models.Single(model => (string?)model!["id"] == "chat-default")!["metadata"]!.ToJsonString());
        Assert.Equal("""{"fallbacks":["fast-reasoning"]}""", models.Single(model => (string?)model!["id"] == "strong-reasoning")!["metadata"]!.ToJsonString());
    }

    [Fact]
    public async Task a_model_is_found_by_its_alias()
    {
        var model = await GetAsync("/v1/models/claude-default");

        Assert.Equal("claude-default", (string?)model["id"]);
        Assert.Equal("model", (string?)model["object"]);
    }

    [Fact]
    public async Task an_unknown_model_is_404_in_the_frameworks_own_shape()
    {
        using var response = await gateway.Client.GetAsync(new Uri("/v1/models/nope", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal(
            """{"detail":"The model `nope` does not exist or is not accessible"}""",
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("/model/info")]
    [InlineData("/v1/model/info")]
    public async Task model_info_tells_provider_model_and_what_the_configuration_adds_but_no_key(string path)
    {
        var list = await GetAsync(path);
        var deployments = list["data"]!.AsArray();
        var claude = Assert.Single(deployments, deployment => (string?)deployment!["model_name"] == "claude-default")!;

        Assert.StartsWith("anthropic/claude-", (string?)claude["litellm_params"]!["model"], StringComparison.Ordinal);
        Assert.Equal("claude-default-anthropic", (string?)claude["model_info"]!["id"]);
        Assert.Equal("anthropic", (string?)claude["model_info"]!["litellm_provider"]);
        Assert.Equal("pro", (string?)claude["model_info"]!["required_plan"]);
        Assert.Equal(1_000_000, (int?)claude["model_info"]!["max_input_tokens"]);
        Assert.Equal(2, deployments.Count(deployment => (string?)deployment!["model_name"] == "chat-default"));
        Assert.DoesNotContain("api_key", list.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task model_info_tells_prices_per_token_as_litellm_does()
    {
        var claude = (await GetAsync("/model/info"))["data"]!.AsArray().Single(deployment => (string?)deployment!["model_name"] == "claude-default")!["model_info"]!;

        Assert.Equal(
            [3e-06, 1.5e-05, 3e-07, 3.75e-06],
            new[] { "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost", "cache_creation_input_token_cost" }.Select(name => (double)claude[name]!));
        Assert.Null(claude["input_cost_per_audio_token"]);
    }

    [Fact]
    public async Task a_group_tells_the_providers_behind_an_alias()
    {
        var groups = (await GetAsync("/model_group/info"))["data"]!.AsArray();
        var gemini = groups.Single(group => (string?)group!["model_group"] == "gemini-default")!;

        Assert.Equal("""["gemini"]""", gemini["providers"]!.ToJsonString());
        Assert.Equal(7, groups.Count);
    }

    [Fact]
    public async Task an_unknown_path_is_404_and_a_wrong_method_405_in_the_frameworks_own_shape()
    {
        using var path = await gateway.Anonymous.GetAsync(new Uri("/v2/nothing", UriKind.Relative), TestContext.Current.CancellationToken);
        using var method = await gateway.Anonymous.GetAsync(new Uri("/v1/chat/completions", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, path.StatusCode);
        Assert.Equal("""{"detail":"Not Found"}""", await path.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.MethodNotAllowed, method.StatusCode);
        Assert.Equal("""{"detail":"Method Not Allowed"}""", await method.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private async Task<JsonNode> GetAsync(string path) =>
        JsonNode.Parse(await gateway.Client.GetStringAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken))!;
}
