using System.Text.Json;

namespace LlmAspire.Usage.Tests.Prices;

public class GatewayPricesTests
{
    [Fact]
    public void a_price_per_token_is_exactly_a_million_times_that_for_a_million()
    {
        var model = Assert.Single(Read("""
            {"model_name":"a","litellm_params":{"model":"openai/gpt-4o"},"model_info":{"litellm_provider":"openai","input_cost_per_token":2.5e-06,
             "output_cost_per_token":0.00001,"cache_read_input_token_cost":1.25E-6,"cache_creation_input_token_cost":"1e-7",
             "input_cost_per_audio_token":4e-05,"output_cost_per_audio_token":8e-05,"output_cost_per_reasoning_token":3.0000000000000004e-07,
             "input_cost_per_token_above_200k_tokens":9e-06}}
            """));

        Assert.Equal(("openai", "gpt-4o"), (model.Provider, model.Model));
        Assert.Equal(
            new Dictionary<string, decimal>
            {
                ["input"] = 2.5m,
                ["output"] = 10m,
                ["cached_input"] = 1.25m,
                ["cache_write"] = 0.1m,
                ["audio_input"] = 40m,
                ["audio_output"] = 80m,
                ["reasoning"] = 0.3m,
            },
            model.Prices);
    }

    [Theory]
    [InlineData("""{"litellm_params":{"model":"openai/m"},"model_info":{"input_cost_per_token":0,"output_cost_per_token":0}}""")]
    [InlineData("""{"litellm_params":{"model":"openai/m"},"model_info":{"input_cost_per_token":null}}""")]
    [InlineData("""{"litellm_params":{"model":"openai/m"},"model_info":{"input_cost_per_token":-1e-6,"output_cost_per_token":5}}""")]
    [InlineData("""{"litellm_params":{"model":"openai/m"},"model_info":{"input_cost_per_token":"dear","output_cost_per_token":true}}""")]
    [InlineData("""{"litellm_params":{"model":"openai/m"}}""")]
    [InlineData("""{"model_info":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}""")]
    [InlineData("""{"litellm_params":{"model":"no-provider"},"model_info":{"input_cost_per_token":1e-6}}""")]
    [InlineData("""{"model_name":"*","litellm_params":{"model":"*","input_cost_per_token":1e-6},"model_info":{"litellm_provider":"openai","output_cost_per_token":1e-6}}""")]
    [InlineData("""{"model_name":"openai/*","litellm_params":{"model":"openai/*"},"model_info":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}""")]
    [InlineData("""{"model_name":"c","litellm_params":{"model":"bedrock/anthropic.claude-*"},"model_info":{"input_cost_per_token":1e-6,"output_cost_per_token":1e-6}}""")]
    [InlineData("7")]
    public void what_the_gateway_does_not_know_is_no_price(string deployment) => Assert.Empty(Read(deployment));

    [Fact]
    public void what_the_operator_configured_goes_before_the_list_and_the_dearest_deployment_counts()
    {
        var models = Read("""
            {"litellm_params":{"model":"openai/m","input_cost_per_token":1e-6},"model_info":{"input_cost_per_token":9e-6,"output_cost_per_token":2e-6}},
            {"litellm_params":{"model":"openai/m"},"model_info":{"input_cost_per_token":5e-7,"output_cost_per_token":3e-6,"cache_read_input_token_cost":1e-7}},
            {"litellm_params":{"model":"azure/m"},"model_info":{"litellm_provider":"azure","input_cost_per_token":1e-6,"output_cost_per_token":0}}
            """);

        Assert.Equal([("openai", "m"), ("azure", "m")], models.Select(model => (model.Provider, model.Model)));
        Assert.Equal(new Dictionary<string, decimal> { ["input"] = 1m, ["output"] = 3m, ["cached_input"] = 0.1m }, models[0].Prices);
        Assert.Equal(new Dictionary<string, decimal> { ["input"] = 1m, ["output"] = 0m }, models[1].Prices);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"data":{}}""")]
    public void another_answer_is_none(string answer) => Assert.Throws<JsonException>(() => GatewayPrices.Read(JsonElement.Parse(answer)));

    private static IReadOnlyList<GatewayModelPrices> Read(string deployments) => GatewayPrices.Read(JsonElement.Parse($$"""{"data":[{{deployments}}]}"""));
}
