using LlmAspire.DemoGateway.Contract;

namespace LlmAspire.DemoGateway.Faults;

/// <summary>What is to go wrong, or slowly, in one call. Immutable.</summary>
internal sealed record FaultPlan
{
    public static FaultPlan None { get; } = new();

    /// <summary>Milliseconds; null is as configured.</summary>
    public double? LatencyMs { get; init; }

    /// <summary>0 is as fast as possible; null is as configured.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Tokens of prose instead of an answer.</summary>
    public int? Length { get; init; }

    /// <summary>So many times the question itself is the answer.</summary>
    public int? Echo { get; init; }

    /// <summary>Tokens of thinking; null is as the deployment is configured.</summary>
    public int? Thinking { get; init; }

    /// <summary>What the provider stores of the prompt; null is its usual share.</summary>
    public CacheWrite? CacheWrite { get; init; }

    public UsageForm Usage { get; init; }

    /// <summary>The proxy does as its newer versions do, where that is known.</summary>
    public bool NewerProxy { get; init; }

    /// <summary>So many times the tools that the question asks for are called before it is answered; null: once.</summary>
    public int? ToolRounds { get; init; }

    /// <summary>The arguments of tools break off: no JSON.</summary>
    public bool BrokenArguments { get; init; }

    /// <summary>The call is refused.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>The answer breaks.</summary>
    public Break? Break { get; init; }

    /// <summary>How long a stall lasts, or the silence before a late usage. Null: for ever, or a moment.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>Another alias serves from the beginning.</summary>
    public Fallback? Fallback { get; init; }

    /// <summary>Another alias goes on in the middle.</summary>
    public MidFallback? MidFallback { get; init; }

    /// <summary>Attempts that failed before the one that served.</summary>
    public int Retries { get; init; }

    public IReadOnlyList<HoldPoint> Holds { get; init; } = [];

    /// <summary>The spend log lacks the call, or has other tokens.</summary>
    public SpendFault? Spend { get; init; }
}

/// <summary>How an answer tells its usage.</summary>
internal enum UsageForm
{
    AsUsual,
    None,
    Zero,
    Late,
    Mid,
    Repeated,
    Cumulative,
    Guess,

    /// <summary>The provider tells none, and the proxy does what it does then.</summary>
    Unreported,
}

/// <summary>How an answer breaks.</summary>
internal enum BreakKind
{
    Stall,
    Error,
    Reset,
    UpstreamReset,
    UpstreamEof,
    Eof,
}

/// <param name="After">Tokens that can be seen.</param>
internal sealed record Break(BreakKind Kind, int After);

/// <param name="FiveMinutes">Tokens that stay for five minutes.</param>
/// <param name="OneHour">Further ones that stay for an hour.</param>
internal sealed record CacheWrite(int FiveMinutes, int OneHour);

/// <param name="Alias">Null: the one that the configuration names.</param>
internal sealed record Fallback(string? Alias);

/// <param name="After">Tokens that can be seen.</param>
/// <param name="Alias">Null: the one that the configuration names.</param>
internal sealed record MidFallback(int After, string? Alias);

/// <param name="After">Tokens that can be seen.</param>
internal sealed record HoldPoint(string Name, int After);

/// <param name="Tokens">So many more completion tokens than were served; null: the log lacks the call.</param>
internal sealed record SpendFault(int? Tokens);
