using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Models;

/// <summary>
/// Prices of models, USD per token, in place of LiteLLM's own list. Made up to be believable: nobody is charged. A model that is not here costs 0, as
/// LiteLLM has it for one that it does not know.
/// </summary>
internal static class PriceMap
{
    private static readonly Dictionary<string, ModelPrice> Prices = new(StringComparer.Ordinal)
    {
        ["openai/gpt-6-luna"] = new(2.5e-07, 2e-06, CacheRead: 2.5e-08),
        ["openai/gpt-6.1-sol"] = new(1.25e-06, 1e-05, CacheRead: 1.25e-07),
        ["anthropic/claude-sonnet-5-5"] = new(3e-06, 1.5e-05, CacheRead: 3e-07, CacheCreation: 3.75e-06),
        ["gemini/gemini-3.6-flash"] = new(3e-07, 2.5e-06, CacheRead: 3e-08, Audio: 1e-06, Reasoning: 2.5e-06),
        ["mistral/mistral-medium-latest"] = new(4e-07, 2e-06),
    };

    /// <summary>The fields of <c>model_info</c>; those of which the list says nothing are null, as in LiteLLM.</summary>
    public static JsonObject Of(Deployment deployment)
    {
        var price = Prices.GetValueOrDefault($"{deployment.Provider}/{deployment.Model}");
        return new JsonObject
        {
            ["input_cost_per_token"] = price?.Input ?? 0,
            ["output_cost_per_token"] = price?.Output ?? 0,
            ["cache_read_input_token_cost"] = price?.CacheRead,
            ["cache_creation_input_token_cost"] = price?.CacheCreation,
            ["input_cost_per_audio_token"] = price?.Audio,
            ["output_cost_per_reasoning_token"] = price?.Reasoning,
        };
    }

    /// <summary>What the proxy makes of a call's tokens, USD, by the prices of its deployment.</summary>
    public static double SpendOf(Deployment? deployment, ServedCall call)
    {
        if (deployment is null)
        {
            return 0;
        }

        var prices = Of(deployment);
        double Price(string name, double fallback) =>
            (deployment.LiteLlmParams[name] ?? prices[name]) is JsonValue value && value.TryGetValue(out double price) ? price : fallback;

        var (input, output) = (Price("input_cost_per_token", 0), Price("output_cost_per_token", 0));
        return (call.PromptTokens - call.CachedTokens - call.CacheWriteTokens) * input
            + call.CachedTokens * Price("cache_read_input_token_cost", input)
            + call.CacheWriteTokens * Price("cache_creation_input_token_cost", input)
            + (call.CompletionTokens - call.ReasoningTokens) * output
            + call.ReasoningTokens * Price("output_cost_per_reasoning_token", output);
    }

    private sealed record ModelPrice(
        double Input, double Output, double? CacheRead = null, double? CacheCreation = null, double? Audio = null, double? Reasoning = null);
}
