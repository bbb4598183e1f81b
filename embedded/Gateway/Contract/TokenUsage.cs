namespace LlmAspire.DemoGateway.Contract;

/// <summary>Tokens of one call. Cached ones are within the prompt's, also for Anthropic: LiteLLM adds them up.</summary>
/// <param name="CacheCreationInputTokens">Anthropic's only.</param>
/// <param name="CacheReadInputTokens">Anthropic's only.</param>
internal sealed record TokenUsage(
    int CompletionTokens,
    int PromptTokens,
    int TotalTokens,
    CompletionTokensDetails? CompletionTokensDetails,
    PromptTokensDetails? PromptTokensDetails,
    int? CacheCreationInputTokens = null,
    int? CacheReadInputTokens = null)
{
    /// <summary>The proxy's own guess, made when the provider told nothing: it has no details, and is known by that.</summary>
    public static TokenUsage Guess(int prompt, int completion) => new(completion, prompt, prompt + completion, null, null);

    /// <summary>The numbers with the details that LiteLLM gives for <paramref name="provider"/>.</summary>
    /// <param name="cacheWrite">Tokens that a provider with priced cache writes (Anthropic) stored.</param>
    public static TokenUsage For(string provider, int prompt, int cacheRead, int cacheWrite, int completion, int reasoning) => provider switch
    {
        // {"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":3,"rejected_prediction_tokens":0},
        //  "prompt_tokens_details":{"audio_tokens":0,"cached_tokens":4}}
        "openai" => new TokenUsage(
            completion,
            prompt,
            prompt + completion,
            new CompletionTokensDetails(AcceptedPredictionTokens: 0, AudioTokens: 0, ReasoningTokens: reasoning, RejectedPredictionTokens: 0),
            new PromptTokensDetails(AudioTokens: 0, CachedTokens: cacheRead)),

        // {"completion_tokens_details":{"reasoning_tokens":0,"text_tokens":7},"prompt_tokens_details":{"cached_tokens":5,"cache_creation_tokens":0},
        //  "cache_creation_input_tokens":0,"cache_read_input_tokens":5}
        "anthropic" => new TokenUsage(
            completion,
            prompt,
            prompt + completion,
            new CompletionTokensDetails(ReasoningTokens: reasoning, TextTokens: completion - reasoning),
            new PromptTokensDetails(CachedTokens: cacheRead, CacheCreationTokens: cacheWrite),
            CacheCreationInputTokens: cacheWrite,
            CacheReadInputTokens: cacheRead),

        _ => new TokenUsage(
            completion,
            prompt,
            prompt + completion,
            new CompletionTokensDetails(ReasoningTokens: reasoning, TextTokens: completion - reasoning),
            new PromptTokensDetails(CachedTokens: cacheRead)),
    };
}

internal sealed record CompletionTokensDetails(
    int? AcceptedPredictionTokens = null, int? AudioTokens = null, int? ReasoningTokens = null, int? RejectedPredictionTokens = null, int? TextTokens = null);

internal sealed record PromptTokensDetails(int? AudioTokens = null, int? CachedTokens = null, int? CacheCreationTokens = null);
