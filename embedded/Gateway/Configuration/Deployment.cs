using System.Globalization;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Configuration;

/// <summary>One entry of <c>model_list</c>: a model of a provider behind an alias. Immutable.</summary>
/// <param name="Alias">What clients ask for, <c>model_name</c>.</param>
/// <param name="Id"><c>model_info.id</c>, the value of <c>x-litellm-model-id</c>.</param>
/// <param name="Model">The provider's own name, <c>litellm_params.model</c> without the provider's prefix.</param>
/// <param name="LiteLlmParams">As written, without <c>api_key</c>.</param>
/// <param name="ModelInfo">As written, own keys included.</param>
internal sealed record Deployment(string Alias, string Id, string Provider, string Model, JsonObject LiteLlmParams, JsonObject ModelInfo)
{
    private const int UnknownLimit = 128_000;
    private const double UsualTimeout = 60;

    public int MaxInputTokens { get; } = Limit(ModelInfo, "max_input_tokens");

    public int MaxOutputTokens { get; } = Limit(ModelInfo, "max_output_tokens");

    /// <summary>Seconds for one attempt; null is the router's.</summary>
    public double? OwnTimeout { get; } = double.TryParse(LiteLlmParams["timeout"]?.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var own) ? own : null;

    /// <summary>Seconds, as Python writes them: <c>180.0</c>.</summary>
    public string Timeout => (OwnTimeout ?? UsualTimeout).ToString("0.0##", CultureInfo.InvariantCulture);

    /// <summary><c>none</c> unless the deployment asks for more.</summary>
    public string ReasoningEffort { get; } = LiteLlmParams["reasoning_effort"]?.ToString() ?? "none";

    private static int Limit(JsonObject modelInfo, string name) =>
        modelInfo[name] is JsonValue value && value.TryGetValue(out long limit) && limit > 0 ? (int)Math.Min(limit, int.MaxValue) : UnknownLimit;
}
