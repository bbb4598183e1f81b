using System.Text.Json;

namespace LlmAspire.Api.Llm;

/// <summary>
/// The <c>usage</c> object of an answer. Cached and cache-write tokens are within the prompt, reasoning tokens within the completion. So are they in
/// OpenAI's form, into which LiteLLM brings Anthropic's; a gateway that passes Anthropic's numbers on counts them outside:
/// <code>
/// {"completion_tokens":7,"prompt_tokens":17,"total_tokens":24,"completion_tokens_details":{"reasoning_tokens":0},
///  "prompt_tokens_details":{"cached_tokens":5,"cache_creation_tokens":0},"cache_creation_input_tokens":0,"cache_read_input_tokens":5}
/// {"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":5,"output_tokens":7}
/// </code>
/// </summary>
internal sealed record ProviderUsage(
    long? PromptTokens,
    long? CompletionTokens,
    long? CachedPromptTokens,
    long? CacheWriteTokens,
    long? ReasoningTokens,
    long? AudioPromptTokens,
    long? AudioCompletionTokens,
    bool HasDetails,
    JsonElement Raw)
{
    /// <summary>What no call can have; the ledger refuses it too.</summary>
    private const double ImplausibleTokens = 1e12;

    private long Total => (PromptTokens ?? 0) + (CompletionTokens ?? 0);

    /// <summary>An explicit zero is zero; a class that is missing, null or not a count is unknown.</summary>
    public static ProviderUsage Read(JsonElement usage)
    {
        var prompt = Object(usage, "prompt_tokens_details");
        var completion = Object(usage, "completion_tokens_details");
        var cached = Count(prompt, "cached_tokens") ?? Count(usage, "cache_read_input_tokens");
        var cacheWrite = Count(prompt, "cache_creation_tokens") ?? Count(usage, "cache_creation_input_tokens");
        var promptTokens = Count(usage, "prompt_tokens") ?? Count(usage, "input_tokens");
        var completionTokens = Count(usage, "completion_tokens") ?? Count(usage, "output_tokens");
        if (CountsCacheOutside(usage, promptTokens, completionTokens, (cached ?? 0) + (cacheWrite ?? 0)))
        {
            promptTokens += (cached ?? 0) + (cacheWrite ?? 0);
        }

        return new ProviderUsage(
            promptTokens,
            completionTokens,
            cached,
            cacheWrite,
            Count(completion, "reasoning_tokens"),
            Count(prompt, "audio_tokens"),
            Count(completion, "audio_tokens"),
            prompt.ValueKind == JsonValueKind.Object,
            usage.Clone());
    }

    /// <summary>This one, or an earlier one that says more: numbers of one call only grow.</summary>
    public ProviderUsage Merge(ProviderUsage? earlier)
    {
        if (earlier is null)
        {
            return this;
        }

        var (greater, other) = Total >= earlier.Total ? (this, earlier) : (earlier, this);
        return greater with
        {
            PromptTokens = greater.PromptTokens ?? other.PromptTokens,
            CompletionTokens = greater.CompletionTokens ?? other.CompletionTokens,
            CachedPromptTokens = greater.CachedPromptTokens ?? other.CachedPromptTokens,
            CacheWriteTokens = greater.CacheWriteTokens ?? other.CacheWriteTokens,
            ReasoningTokens = greater.ReasoningTokens ?? other.ReasoningTokens,
            AudioPromptTokens = greater.AudioPromptTokens ?? other.AudioPromptTokens,
            AudioCompletionTokens = greater.AudioCompletionTokens ?? other.AudioCompletionTokens,
        };
    }

    /// <summary>By the names, by the total, or because the part would be greater than the whole.</summary>
    private static bool CountsCacheOutside(JsonElement usage, long? prompt, long? completion, long cache) =>
        cache > 0 && prompt is not null
        && (!usage.TryGetProperty("prompt_tokens", out _) && !usage.TryGetProperty("input_tokens_details", out _)
            || cache > prompt
            || Count(usage, "total_tokens") is { } total && total == prompt + (completion ?? 0) + cache);

    private static JsonElement Object(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Object ? value : default;

    private static long? Count(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number is >= 0 and < ImplausibleTokens
            ? (long)number
            : null;
}
