using LlmAspire.KillTest.Reconciliation;

namespace LlmAspire.KillTest.Load;

/// <summary>What a client saw of one chat.</summary>
internal sealed record SeenAnswer
{
    /// <summary>The finish reason of a run that was stopped.</summary>
    public const string Stopped = "stopped";

    public required string Api { get; init; }

    public required string User { get; init; }

    public required DateTimeOffset AskedAt { get; init; }

    public DateTimeOffset EndedAt { get; init; }

    /// <summary>When the last piece of the answer came; null when none did.</summary>
    public DateTimeOffset? LastDeltaAt { get; init; }

    /// <summary>The status; null when the connection broke before.</summary>
    public int? Status { get; init; }

    /// <summary>The code of a problem or of an <c>error</c> event.</summary>
    public string? ErrorCode { get; init; }

    public TimeSpan? RetryAfter { get; init; }

    public Guid? RunId { get; init; }

    public IReadOnlyList<SeenUsage> Usages { get; init; } = [];

    /// <summary>Of <c>done</c>; null when that did not come.</summary>
    public string? FinishReason { get; init; }

    public bool WentAway { get; init; }

    /// <summary>Nothing came, not even the end, for as long as a client can be asked to wait.</summary>
    public bool Hung { get; init; }
}

/// <summary>A <c>usage</c> event.</summary>
internal sealed record SeenUsage(
    Guid CallId, long PromptTokens, long CompletionTokens, long CachedTokens, long ReasoningTokens, string Source, string Outcome)
{
    public override string ToString() => $"{Outcome}, {Source} {PromptTokens}/{CompletionTokens}/{CachedTokens}/{ReasoningTokens}";

    public static SeenUsage From(LedgerRow row) => new(
        row.Id, row.PromptTokens, row.CompletionTokens, row.CachedTokens, row.ReasoningTokens, row.Source, row.Outcome);
}
