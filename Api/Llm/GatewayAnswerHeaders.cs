using System.Globalization;
using System.Net.Http.Headers;

namespace LlmAspire.Api.Llm;

/// <summary>What the gateway says of a call in the headers of its answer. Null is what it does not say. Immutable.</summary>
/// <param name="CallId"><c>x-litellm-call-id</c>.</param>
/// <param name="DeploymentId"><c>x-litellm-model-id</c>: who serves, or of a stream that falls back later, who began.</param>
/// <param name="ModelGroup"><c>x-litellm-model-group</c>: the alias that serves.</param>
/// <param name="ApiBase"><c>x-litellm-model-api-base</c>: the provider's address.</param>
/// <param name="Retries"><c>x-litellm-attempted-retries</c>.</param>
/// <param name="Fallbacks"><c>x-litellm-attempted-fallbacks</c>.</param>
/// <param name="IsLiteLlm">Whether it is LiteLLM that speaks.</param>
internal sealed record GatewayAnswerHeaders(
    string? CallId, string? DeploymentId, string? ModelGroup, string? ApiBase, int? Retries, int? Fallbacks, bool IsLiteLlm)
{
    /// <summary>No answer came.</summary>
    public static GatewayAnswerHeaders None { get; } = new(null, null, null, null, null, null, false);

    public static GatewayAnswerHeaders Read(HttpResponseHeaders headers) => new(
        Text(headers, "x-litellm-call-id"),
        Text(headers, "x-litellm-model-id"),
        Text(headers, "x-litellm-model-group"),
        Text(headers, "x-litellm-model-api-base"),
        Number(headers, "x-litellm-attempted-retries"),
        Number(headers, "x-litellm-attempted-fallbacks"),
        Text(headers, "x-litellm-version") is not null || Text(headers, "x-litellm-model-id") is not null);

    private static string? Text(HttpResponseHeaders headers, string name) =>
        headers.TryGetValues(name, out var values) && values.FirstOrDefault() is { Length: > 0 } value ? value : null;

    private static int? Number(HttpResponseHeaders headers, string name) =>
        int.TryParse(Text(headers, name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
