namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// What a provider says a call used, from all its reports: tokens, null where it said nothing. Cached and cache-write tokens are within the prompt, reasoning tokens within the
/// completion, wherever the provider counts them.
/// </summary>
/// <param name="CacheWrite1hTokens">The part of <paramref name="CacheWriteTokens"/> that is kept for one hour.</param>
internal sealed record ProviderUsage(
    long? PromptTokens,
    long? CompletionTokens,
    long? CachedPromptTokens,
    long? CacheWriteTokens,
    long? CacheWrite1hTokens,
    long? ReasoningTokens,
    long? AudioPromptTokens,
    long? AudioCompletionTokens);
