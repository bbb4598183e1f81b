namespace LlmAspire.Usage;

/// <summary>Tokens by class: prompt and completion are wholes, the others parts of them that do not overlap.</summary>
internal readonly record struct ClassTokens(long Prompt, long Completion, long CachedPrompt, long CacheWrite, long Reasoning, long AudioPrompt, long AudioCompletion)
{
    public long Total => Prompt + Completion;

    public static ClassTokens operator +(ClassTokens left, ClassTokens right) => new(
        left.Prompt + right.Prompt, left.Completion + right.Completion, left.CachedPrompt + right.CachedPrompt, left.CacheWrite + right.CacheWrite,
        left.Reasoning + right.Reasoning, left.AudioPrompt + right.AudioPrompt, left.AudioCompletion + right.AudioCompletion);
}
