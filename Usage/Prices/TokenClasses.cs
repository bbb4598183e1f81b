namespace LlmAspire.Usage;

/// <summary>The classes of tokens that may have a price, disjoint: each token is charged once.</summary>
public static class TokenClasses
{
    /// <summary>Of the prompt, what is in none of the classes below.</summary>
    public const string Input = "input";

    /// <summary>Of the completion, what is in none of the classes below.</summary>
    public const string Output = "output";

    /// <summary>Read from the provider's cache; at the price of <see cref="Input"/> when it has none of its own.</summary>
    public const string CachedInput = "cached_input";

    /// <summary>Written to the provider's cache; else <see cref="Input"/>.</summary>
    public const string CacheWrite = "cache_write";

    /// <summary>Thought and not shown; else <see cref="Output"/>.</summary>
    public const string Reasoning = "reasoning";

    /// <summary>Heard; else <see cref="Input"/>.</summary>
    public const string AudioInput = "audio_input";

    /// <summary>Spoken; else <see cref="Output"/>.</summary>
    public const string AudioOutput = "audio_output";

    public static IReadOnlyList<string> All { get; } = [Input, Output, CachedInput, CacheWrite, Reasoning, AudioInput, AudioOutput];
}
