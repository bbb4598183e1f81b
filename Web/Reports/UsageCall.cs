using System.Text.Json;

namespace LlmAspire.Web.Reports;

/// <summary>A row of the ledger: one call to a provider. What is null, the ledger does not know.</summary>
public record UsageCall
{
    public required Guid Id { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset RecordedAt { get; init; }

    /// <summary>What the user asked for, which may need several calls.</summary>
    public Guid? RequestId { get; init; }

    public Guid? UserId { get; init; }

    public Guid? OrgId { get; init; }

    public Guid? ApiKeyId { get; init; }

    public Guid? ConversationId { get; init; }

    public string? TraceId { get; init; }

    public string? Operation { get; init; }

    /// <summary>The alias that was asked for.</summary>
    public string? Model { get; init; }

    public string? Provider { get; init; }

    /// <summary>The provider's own name of the model.</summary>
    public string? ServedModel { get; init; }

    public long? PromptTokens { get; init; }

    public long? CompletionTokens { get; init; }

    public long? CachedPromptTokens { get; init; }

    public long? CacheWriteTokens { get; init; }

    public long? ReasoningTokens { get; init; }

    /// <summary>How sure the tokens are.</summary>
    public string? Source { get; init; }

    public string? Outcome { get; init; }

    public int? Attempts { get; init; }

    public int? Fallbacks { get; init; }

    /// <summary>Milliseconds to the first token.</summary>
    public double? TtftMs { get; init; }

    public double? DurationMs { get; init; }

    /// <summary>Null when the call is unpriced.</summary>
    public decimal? CostUsd { get; init; }

    public bool Unpriced { get; init; }
}

/// <summary>All that the ledger has of a call.</summary>
public sealed record CallStory : UsageCall
{
    /// <summary>The part of the cache writes that the provider keeps for one hour.</summary>
    public long? CacheWrite1hTokens { get; init; }

    public long? AudioPromptTokens { get; init; }

    public long? AudioCompletionTokens { get; init; }

    public string? GatewayCallId { get; init; }

    public string? SpanId { get; init; }

    /// <summary>When a late settle took the place of a provisional row; null when none did.</summary>
    public DateTimeOffset? ReplacedAt { get; init; }

    /// <summary>What the provider reported.</summary>
    public JsonElement? RawUsage { get; init; }

    /// <summary>Those in force when the call was made; null when there are none.</summary>
    public CallPrices? Prices { get; init; }

    public IReadOnlyList<ClassCost> CostByClass { get; init; } = [];

    /// <summary>Other calls that the same request needed.</summary>
    public IReadOnlyList<UsageCall> SameRequest { get; init; } = [];

    /// <summary>Null when the installation has no place to look at traces.</summary>
    public string? TraceUrl { get; init; }
}

/// <param name="Revision">Of the price registry.</param>
public sealed record CallPrices(DateTimeOffset? ValidFrom, long? Revision);

/// <param name="TokenClass">Disjoint: each token is in one.</param>
/// <param name="UsdPerMillion">Null when the class has no price.</param>
public sealed record ClassCost(string TokenClass, long Tokens, decimal? UsdPerMillion, decimal? CostUsd);

/// <param name="Next">Where the next page begins; null on the last.</param>
public sealed record CallsPage(string AsOf, IReadOnlyList<UsageCall> Calls, string? Next, IReadOnlyDictionary<string, string>? Names);
