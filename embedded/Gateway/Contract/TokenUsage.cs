using System.Text.Json.Serialization;

namespace LlmAspire.DemoGateway.Contract;

/// <summary>
/// The <c>usage</c> of an answer. Cached tokens are within the prompt's, also for Anthropic: LiteLLM adds them up. Which members there are is up to
/// <see cref="UsageFormat"/>.
/// </summary>
/// <param name="CacheCreationInputTokens">Anthropic's only.</param>
/// <param name="CacheReadInputTokens">Anthropic's only.</param>
internal sealed record TokenUsage(
    int CompletionTokens,
    int PromptTokens,
    int TotalTokens,
    CompletionTokensDetails? CompletionTokensDetails = null,
    PromptTokensDetails? PromptTokensDetails = null,
    int? CacheCreationInputTokens = null,
    int? CacheReadInputTokens = null)
{
    public static TokenUsage Of(int prompt, int completion) => new(completion, prompt, prompt + completion);
}

internal sealed record CompletionTokensDetails(
    int? AcceptedPredictionTokens = null, int? AudioTokens = null, int? ReasoningTokens = null, int? RejectedPredictionTokens = null, int? TextTokens = null);

/// <param name="CacheWriteTokens">OpenAI's name of what was stored in the cache.</param>
/// <param name="CacheCreationTokens">Anthropic's name of it.</param>
internal sealed record PromptTokensDetails(
    int? AudioTokens = null,
    int? CacheWriteTokens = null,
    int? CachedTokens = null,
    int? CacheCreationTokens = null,
    CacheCreationTokenDetails? CacheCreationTokenDetails = null);

/// <summary>What was stored in the cache, by how long it stays there.</summary>
internal sealed record CacheCreationTokenDetails(
    [property: JsonPropertyName("ephemeral_5m_input_tokens")] int FiveMinutes, [property: JsonPropertyName("ephemeral_1h_input_tokens")] int OneHour);
