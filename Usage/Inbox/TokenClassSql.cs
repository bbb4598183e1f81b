namespace LlmAspire.Usage;

/// <summary>
/// The classes within the tokens of a call: those of the prompt add up to no more than the prompt, those of the completion to no more than the
/// completion. Providers count some tokens in two classes (cached audio); such a token is cached first, then a cache write, then audio, and of the
/// completion reasoning before audio. <c>raw_usage</c> keeps what came.
/// </summary>
internal static class TokenClassSql
{
    /// <summary>Whether it is so, for the columns of a row.</summary>
    public const string AreWithin =
        "coalesce(cached_prompt_tokens, 0) + coalesce(cache_write_tokens, 0) + coalesce(audio_prompt_tokens, 0) <= prompt_tokens "
        + "AND coalesce(reasoning_tokens, 0) + coalesce(audio_completion_tokens, 0) <= completion_tokens";

    private static readonly string CacheWrite = AtMost("cache_write_tokens", "greatest(prompt_tokens - coalesce(cached_prompt_tokens, 0), 0)");

    private static readonly Dictionary<string, string> Fits = new()
    {
        ["cached_prompt_tokens"] = AtMost("cached_prompt_tokens", "prompt_tokens"),
        ["cache_write_tokens"] = CacheWrite,
        // A part of the cache writes, and no class of its own. It is not known where they are not.
        ["cache_write_1h_tokens"] = $"CASE WHEN cache_write_tokens IS NOT NULL THEN {AtMost("cache_write_1h_tokens", $"({CacheWrite})")} END",
        ["audio_prompt_tokens"] = AtMost(
            "audio_prompt_tokens", "greatest(prompt_tokens - coalesce(cached_prompt_tokens, 0) - coalesce(cache_write_tokens, 0), 0)"),
        ["reasoning_tokens"] = AtMost("reasoning_tokens", "completion_tokens"),
        ["audio_completion_tokens"] = AtMost("audio_completion_tokens", "greatest(completion_tokens - coalesce(reasoning_tokens, 0), 0)"),
    };

    /// <summary>The value of a class, cut to what its total leaves for it; null for a column that is none.</summary>
    public static string? Fit(string column) => Fits.GetValueOrDefault(column);

    // What is not known stays so.
    private static string AtMost(string part, string most) => $"CASE WHEN {part} > {most} THEN {most} ELSE {part} END";
}
