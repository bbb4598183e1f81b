using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Llm;

/// <summary>A shape in which a gateway answers.</summary>
/// <param name="Faults">What the demo gateway is asked for; <c>OTHER</c> stands for an alias of another provider.</param>
/// <param name="Body">What the row of a whole plain answer says of its tokens.</param>
/// <param name="Stream">The same of a whole stream.</param>
internal sealed record Shape(string Faults, UsageSource Body = UsageSource.Provider, UsageSource Stream = UsageSource.Provider)
{
    /// <summary>Tokens of every answer that can be read.</summary>
    public const int Length = 300;

    /// <summary>An alias of each provider, and the one that stands in for it.</summary>
    public static readonly IReadOnlyDictionary<string, string> Aliases = new Dictionary<string, string>
    {
        ["chat-default"] = "claude-default",
        ["claude-default"] = "gemini-default",
        ["gemini-default"] = "mistral-default",
        ["mistral-default"] = "chat-default",
    };

    public static readonly IReadOnlyDictionary<string, Shape> All = new Dictionary<string, Shape>
    {
        ["usual"] = new(""),
        ["thinking"] = new("thinking=64"),
        ["cache writes"] = new("cache-write=32") { Only = ["chat-default", "claude-default"] },
        ["cache writes for an hour"] = new("cache-write=16+8") { Only = ["claude-default"] },
        ["late usage"] = new("usage=late for=1"),
        ["usage in the middle"] = new("usage=mid"),
        ["usage twice"] = new("usage=repeated"),
        ["growing usage"] = new("usage=cumulative"),
        ["no usage"] = new("usage=none", UsageSource.Estimated, UsageSource.Estimated),
        ["usage that the provider did not tell"] = new("usage=unreported", UsageSource.Estimated, UsageSource.Estimated) { IsGuess = true },
        ["zero usage"] = new("usage=zero", UsageSource.Estimated, UsageSource.Estimated),
        ["served by fallback"] = new("fallback=OTHER") { IsFallback = true },
        ["fallback in the middle"] = new("fallback-mid=50@OTHER") { IsFallback = true, IsSplit = true },
    };

    /// <summary>The aliases that have it; else all.</summary>
    public string[]? Only { get; init; }

    /// <summary>The usage of a stream is made by LiteLLM, in the form of the provider.</summary>
    public bool IsGuess { get; init; }

    /// <summary>The other alias serves the end of it.</summary>
    public bool IsFallback { get; init; }

    /// <summary>Two providers answer, when it is a stream.</summary>
    public bool IsSplit { get; init; }

    /// <summary>There is no answer.</summary>
    public bool IsRefused { get; init; }

    public string FaultsOf(string alias) => Faults.Replace("OTHER", Aliases[alias], StringComparison.Ordinal);

    /// <summary>What the row of a whole answer says of its tokens. A guess in Mistral's form is the same as what Mistral tells: nobody can see it.</summary>
    public UsageSource SourceOf(string alias, bool streamed) =>
        !streamed ? Body
        : IsGuess && alias == "mistral-default" ? UsageSource.Provider
        : Stream;
}
