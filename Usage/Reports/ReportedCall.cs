using System.Text.Json;

namespace LlmAspire.Usage;

/// <summary>A row of the ledger as it stood at a pin, with its cost.</summary>
/// <remarks>The members mean what those of <see cref="UsageEvent"/> mean.</remarks>
/// <param name="CostUsd">Null when it has no price.</param>
/// <param name="Unpriced">Whether it has tokens and no price.</param>
public record ReportedCall(
    Guid Id,
    DateTimeOffset CreatedAt,
    DateTimeOffset RecordedAt,
    Guid RequestId,
    Guid UserId,
    Guid OrgId,
    Guid? ApiKeyId,
    Guid? ConversationId,
    string? TraceId,
    string Operation,
    string Model,
    string? Provider,
    string? ServedModel,
    long PromptTokens,
    long CompletionTokens,
    long? CachedPromptTokens,
    long? CacheWriteTokens,
    long? CacheWrite1hTokens,
    long? ReasoningTokens,
    long? AudioPromptTokens,
    long? AudioCompletionTokens,
    string Source,
    string Outcome,
    int? Attempts,
    int? Fallbacks,
    int? TtftMs,
    int? DurationMs,
    decimal? CostUsd,
    bool Unpriced);

/// <summary>A page of calls, the newest first.</summary>
/// <param name="Next">Where the next page begins; null when there is none.</param>
public sealed record CallPage(AsOf AsOf, IReadOnlyList<ReportedCall> Calls, CallCursor? Next);

/// <summary>The last call that was seen.</summary>
public sealed record CallCursor(DateTimeOffset CreatedAt, Guid Id);

/// <summary>All that is known of a call.</summary>
/// <param name="ReplacedAt">When a late settle replaced what the sweeper had made of it.</param>
/// <param name="RawUsage">What the provider said.</param>
/// <param name="Prices">Null when there is none.</param>
/// <param name="CostByClass">Of the classes that have tokens; they add up to the cost.</param>
/// <param name="SameRequest">The other calls of what the user asked for, in their order.</param>
public sealed record CallStory(
    AsOf AsOf,
    ReportedCall Call,
    string? SpanId,
    string? GatewayCallId,
    DateTimeOffset? ReplacedAt,
    JsonElement? RawUsage,
    CallPrices? Prices,
    IReadOnlyList<ClassCost> CostByClass,
    IReadOnlyList<ReportedCall> SameRequest);

/// <summary>The prices that were in force when a call was made, in USD per million tokens; null for a class without one of its own.</summary>
public sealed record CallPrices(
    decimal? Input,
    decimal? Output,
    decimal? CachedInput,
    decimal? CacheWrite,
    decimal? Reasoning,
    decimal? AudioInput,
    decimal? AudioOutput,
    DateTimeOffset ValidFrom,
    long Revision);

/// <param name="TokenClass">One of <see cref="TokenClasses"/>.</param>
/// <param name="UsdPerMillion">Null when it has no price.</param>
public sealed record ClassCost(string TokenClass, long Tokens, decimal? UsdPerMillion, decimal? CostUsd);
