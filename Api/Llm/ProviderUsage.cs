using System.Text.Json;

namespace LlmAspire.Api.Llm;

/// <summary>
/// The <c>usage</c> object of an answer in OpenAI's form. Cached and cache-write tokens are within the prompt, reasoning
/// tokens within the completion; LiteLLM brings Anthropic's, which stand outside, into the same form:
/// <code>
/// {"completion_tokens":7,"prompt_tokens":17,"total_tokens":24,"completion_tokens_details":{"reasoning_tokens":0},
///  "prompt_tokens_details":{"cached_tokens":5,"cache_creation_tokens":0},"cache_creation_input_tokens":0,"cache_read_input_tokens":5}
/// </code>
/// </summary>
internal sealed record ProviderUsage(
    long PromptTokens,
    long CompletionTokens,
    long? CachedPromptTokens,
    long? CacheWriteTokens,
    long? ReasoningTokens,
    long? AudioPromptTokens,
    long? AudioCompletionTokens,
    JsonElement Raw)
{
    /// <summary>An explicit zero is zero; a class that is missing, null or not a count is unknown.</summary>
    public static ProviderUsage Read(JsonElement usage)
    {
        var prompt = Object(usage, "prompt_tokens_details");
        var completion = Object(usage, "completion_tokens_details");
        return new ProviderUsage(
            Count(usage, "prompt_tokens") ?? 0,
            Count(usage, "completion_tokens") ?? 0,
            Count(prompt, "cached_tokens") ?? Count(usage, "cache_read_input_tokens"),
            Count(prompt, "cache_creation_tokens") ?? Count(usage, "cache_creation_input_tokens"),
            Count(completion, "reasoning_tokens"),
            Count(prompt, "audio_tokens"),
            Count(completion, "audio_tokens"),
            usage.Clone());
    }

    private static JsonElement Object(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : default;

    private static long? Count(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number is >= 0 and <= long.MaxValue / 2
            ? (long)number
            : null;
}
