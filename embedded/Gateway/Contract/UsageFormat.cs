namespace LlmAspire.DemoGateway.Contract;

/// <summary>What the proxy makes of a provider's usage, or of its silence. It differs by provider, and from body to stream.</summary>
/// <param name="IsNewer">As versions of the proxy after 1.81 do.</param>
internal sealed record UsageFormat(string Provider, bool IsStreamed, bool IsNewer)
{
    /// <summary>Claude tells of thinking, but not how long it was: in a body the proxy counts something else instead.</summary>
    private const int MiscountedThinking = 3;

    /// <summary>The usage that the provider told.</summary>
    /// <param name="completion">Thinking included.</param>
    /// <param name="reasoning">What was really thought.</param>
    public TokenUsage Reported(PromptCounts prompt, int completion, int reasoning) => Provider switch
    {
        "openai" => OpenAi(prompt, completion, reasoning),
        "anthropic" => Anthropic(prompt, completion, IsStreamed ? 0 : Math.Min(reasoning, MiscountedThinking), tellsCacheTimes: !IsStreamed),

        // {"completion_tokens":7,"prompt_tokens":17,"total_tokens":24}
        "mistral" => TokenUsage.Of(prompt.Total, completion),
        _ => TokenUsage.Of(prompt.Total, completion) with
        {
            CompletionTokensDetails = new CompletionTokensDetails(ReasoningTokens: reasoning, TextTokens: completion - reasoning),
            PromptTokensDetails = new PromptTokensDetails(CachedTokens: prompt.Cached),
        },
    };

    /// <summary>
    /// The usage where the provider told none. A body has zeros. For a stream the proxy counts the text by itself; it knows neither of thinking nor of a
    /// cache, but Claude's prompt was told when the stream began.
    /// </summary>
    /// <param name="visible">Completion tokens without thinking.</param>
    public TokenUsage Unreported(PromptCounts prompt, int visible) => (IsStreamed, Provider) switch
    {
        (false, _) => TokenUsage.Of(0, 0),

        // The usage of Claude's event message_start, whose one token only holds the place of the later number.
        (_, "anthropic") => Anthropic(prompt, IsNewer ? visible : 1, 0, tellsCacheTimes: true),

        // {"completion_tokens":250,"prompt_tokens":3000,"total_tokens":3250,"completion_tokens_details":{"reasoning_tokens":0},"prompt_tokens_details":{}}
        (_, "gemini") => TokenUsage.Of(prompt.Total, visible) with
        {
            CompletionTokensDetails = new CompletionTokensDetails(ReasoningTokens: 0),
            PromptTokensDetails = new PromptTokensDetails(),
        },
        _ => TokenUsage.Of(prompt.Total, visible),
    };

    // {"completion_tokens_details":{"accepted_prediction_tokens":0,"audio_tokens":0,"reasoning_tokens":3,"rejected_prediction_tokens":0},
    //  "prompt_tokens_details":{"audio_tokens":0,"cache_write_tokens":1024,"cached_tokens":4}}
    private TokenUsage OpenAi(PromptCounts prompt, int completion, int reasoning)
    {
        int? written = prompt.CacheWrite > 0 ? prompt.CacheWrite : null;
        return TokenUsage.Of(prompt.Total, completion) with
        {
            CompletionTokensDetails =
                new CompletionTokensDetails(AcceptedPredictionTokens: 0, AudioTokens: 0, ReasoningTokens: reasoning, RejectedPredictionTokens: 0),
            PromptTokensDetails = new PromptTokensDetails(
                AudioTokens: 0, CacheWriteTokens: written, CachedTokens: prompt.Cached, CacheCreationTokens: IsNewer ? written : null),
        };
    }

    // {"completion_tokens_details":{"reasoning_tokens":0,"text_tokens":7},"prompt_tokens_details":{"cached_tokens":5,"cache_creation_tokens":9,
    //  "cache_creation_token_details":{"ephemeral_5m_input_tokens":9,"ephemeral_1h_input_tokens":0}},"cache_creation_input_tokens":9,"cache_read_input_tokens":5}
    private static TokenUsage Anthropic(PromptCounts prompt, int completion, int reasoning, bool tellsCacheTimes) => TokenUsage.Of(prompt.Total, completion) with
    {
        CompletionTokensDetails = new CompletionTokensDetails(ReasoningTokens: reasoning, TextTokens: completion - reasoning),
        PromptTokensDetails = new PromptTokensDetails(
            CachedTokens: prompt.Cached,
            CacheCreationTokens: prompt.CacheWrite,
            CacheCreationTokenDetails: tellsCacheTimes ? new CacheCreationTokenDetails(prompt.CacheWrite - prompt.CacheWriteHour, prompt.CacheWriteHour) : null),
        CacheCreationInputTokens = prompt.CacheWrite,
        CacheReadInputTokens = prompt.Cached,
    };
}
