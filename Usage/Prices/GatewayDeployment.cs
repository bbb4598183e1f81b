using System.Text.Json;

namespace LlmAspire.Usage;

/// <summary>
/// What a deployment in the gateway's <c>/model/info</c> is called in the ledger. Rows and prices have it from here, so that they meet.
/// <code>{"model_name":"claude-default","litellm_params":{"model":"anthropic/claude-sonnet-4-5"},"model_info":{"litellm_provider":"anthropic"}}</code>
/// </summary>
public static class GatewayDeployment
{
    /// <summary>What stands for any text in the names of a deployment that serves many models, such as <c>openai/*</c>.</summary>
    public const char Wildcard = '*';

    /// <summary>The provider before the first slash may be another word than LiteLLM's name of it, which wins. Null when neither tells.</summary>
    public static string? Provider(JsonElement deployment) =>
        Text(Object(deployment, "model_info"), "litellm_provider")
            ?? (Text(Object(deployment, "litellm_params"), "model") is { } model && model.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash
                && !model[..slash].Contains(Wildcard, StringComparison.Ordinal) ? model[..slash] : null);

    /// <summary>The provider's own name of the model, which may hold slashes itself. Null when the gateway does not tell, as of a wildcard.</summary>
    public static string? Model(JsonElement deployment) =>
        Text(Object(deployment, "litellm_params"), "model") is not { } model || model.Contains(Wildcard, StringComparison.Ordinal) ? null
            : Provider(deployment) is { } provider && model.StartsWith(provider + '/', StringComparison.Ordinal) ? model[(provider.Length + 1)..]
            : model;

    internal static JsonElement Object(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : default;

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;
}
