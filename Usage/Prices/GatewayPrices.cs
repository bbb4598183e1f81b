using System.Text.Json;

namespace LlmAspire.Usage;

/// <summary>What the gateway says that tokens cost, USD per million.</summary>
/// <param name="Prices">By class of tokens; models of which it knows no price are not among them.</param>
public sealed record GatewayModelPrices(string Provider, string Model, IReadOnlyDictionary<string, decimal> Prices);

/// <summary>
/// Reads prices from the gateway's <c>/model/info</c>. They are USD per token, in model_info, where LiteLLM's own price list is merged in, or in
/// litellm_params, where an operator overrides it:
/// <code>
/// {"litellm_params":{"model":"openai/gpt-4o","input_cost_per_token":2e-06},
///  "model_info":{"litellm_provider":"openai","input_cost_per_token":2.5e-06,"output_cost_per_token":1e-05,"cache_read_input_token_cost":1.25e-06}}
/// </code>
/// Numbers may come as text: YAML 1.1 takes 1e-7 for one. Prices that hold beyond some length of the prompt, for batches or for priority are not read.
/// </summary>
public static class GatewayPrices
{
    private const int PowersToMillion = 6;

    private static readonly (string Name, string TokenClass)[] Names =
    [
        ("input_cost_per_token", TokenClasses.Input),
        ("output_cost_per_token", TokenClasses.Output),
        ("cache_read_input_token_cost", TokenClasses.CachedInput),
        ("cache_creation_input_token_cost", TokenClasses.CacheWrite),
        ("output_cost_per_reasoning_token", TokenClasses.Reasoning),
        ("input_cost_per_audio_token", TokenClasses.AudioInput),
        ("output_cost_per_audio_token", TokenClasses.AudioOutput),
    ];

    /// <param name="modelInfo">The answer.</param>
    /// <returns>Each model once. Where its deployments differ, the highest price counts: the ledger does not say which one served.</returns>
    /// <exception cref="JsonException">When it is no such answer.</exception>
    public static IReadOnlyList<GatewayModelPrices> Read(JsonElement modelInfo)
    {
        if (modelInfo.ValueKind != JsonValueKind.Object || !modelInfo.TryGetProperty("data", out var deployments) || deployments.ValueKind != JsonValueKind.Array)
        {
            throw new JsonException("The gateway's answer to /model/info has no list named data.");
        }

        Dictionary<(string, string), Dictionary<string, decimal>> models = [];
        foreach (var deployment in deployments.EnumerateArray())
        {
            if (NameOf(GatewayDeployment.Provider(deployment)) is not { } provider || NameOf(GatewayDeployment.Model(deployment)) is not { } model)
            {
                continue;
            }

            var prices = PricesOf(deployment);
            // A model that LiteLLM does not know costs 0 and 0 there: that is no price.
            if (prices.Values.All(price => price == 0))
            {
                continue;
            }

            if (!models.TryGetValue((provider, model), out var known))
            {
                models.Add((provider, model), known = []);
            }

            foreach (var (tokenClass, price) in prices)
            {
                known[tokenClass] = Math.Max(price, known.GetValueOrDefault(tokenClass));
            }
        }

        return [.. models.Select(model => new GatewayModelPrices(model.Key.Item1, model.Key.Item2, model.Value))];
    }

    private static string? NameOf(string? name) => SqlText.Storable(name) is { Length: > 0 and <= PriceValidator.MostNameCharacters } storable ? storable : null;

    private static Dictionary<string, decimal> PricesOf(JsonElement deployment)
    {
        var own = GatewayDeployment.Object(deployment, "litellm_params");
        var info = GatewayDeployment.Object(deployment, "model_info");
        Dictionary<string, decimal> prices = [];
        foreach (var (name, tokenClass) in Names)
        {
            if ((Number(own, name) ?? Number(info, name)) is { } price)
            {
                prices.Add(tokenClass, price);
            }
        }

        return prices;
    }

    // What is left of a binary fraction (3.0000000000000004e-07) is rounded off.
    private static decimal? Number(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
            && (value.ValueKind switch
            {
                JsonValueKind.Number => value.GetRawText(),
                JsonValueKind.String => value.GetString(),
                _ => null,
            }) is { } text
            && ExactDecimal.Parse(text, PowersToMillion) is >= 0 and <= PriceValidator.HighestPrice and var price
            ? decimal.Round(price, PriceValidator.MostDecimals)
            : null;
}
