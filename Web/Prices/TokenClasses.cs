namespace LlmAspire.Web.Prices;

/// <summary>The Api's names of the classes of tokens that may have a price.</summary>
public static class TokenClasses
{
    public static IReadOnlyList<string> All { get; } = ["input", "cached_input", "cache_write", "output", "reasoning", "audio_input", "audio_output"];

    /// <summary>What a class without a price of its own costs.</summary>
    public static string? FallbackOf(string tokenClass) => tokenClass switch
    {
        "cached_input" or "cache_write" or "audio_input" => "input",
        "reasoning" or "audio_output" => "output",
        _ => null,
    };
}
