namespace LlmAspire.Api.Llm.Wire;

/// <summary>Classes of tokens that a provider counts beside the prompt or the completion, and not within it.</summary>
[Flags]
internal enum Outside
{
    None = 0,
    CacheRead = 1,
    CacheWrite = 2,
    Reasoning = 4,
}

/// <summary>Where classes can be: what adds up, and what is possible.</summary>
internal static class UsagePlacement
{
    /// <summary>The usual ones first: all within, reasoning beside (Gemini's count), the cache beside (Anthropic's), then what is left.</summary>
    public static ReadOnlySpan<Outside> InOrder =>
    [
        Outside.None, Outside.Reasoning, Outside.CacheRead | Outside.CacheWrite, Outside.CacheRead | Outside.CacheWrite | Outside.Reasoning,
        Outside.CacheWrite, Outside.CacheRead, Outside.CacheWrite | Outside.Reasoning, Outside.CacheRead | Outside.Reasoning,
    ];

    /// <summary>What comes to prompt and completion together.</summary>
    public static long Added(Outside outside, long? cacheRead, long? cacheWrite, long? reasoning) =>
        CacheAdded(outside, cacheRead, cacheWrite) + (outside.HasFlag(Outside.Reasoning) ? reasoning ?? 0 : 0);

    /// <summary>What comes to the prompt.</summary>
    public static long CacheAdded(Outside outside, long? cacheRead, long? cacheWrite) =>
        (outside.HasFlag(Outside.CacheRead) ? cacheRead ?? 0 : 0) + (outside.HasFlag(Outside.CacheWrite) ? cacheWrite ?? 0 : 0);

    /// <summary>Whether no part is greater than its whole.</summary>
    public static bool IsPossible(Outside outside, long prompt, long completion, long? cacheRead, long? cacheWrite, long? reasoning) =>
        (outside.HasFlag(Outside.CacheRead) ? 0 : cacheRead ?? 0) + (outside.HasFlag(Outside.CacheWrite) ? 0 : cacheWrite ?? 0) <= prompt
        && (outside.HasFlag(Outside.Reasoning) || (reasoning ?? 0) <= completion);
}
