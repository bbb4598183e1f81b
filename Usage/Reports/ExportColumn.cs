namespace LlmAspire.Usage;

/// <summary>A column of an export.</summary>
/// <param name="Name">In JSON; CSV has it in snake case.</param>
/// <param name="Value">The expression, of <c>usage</c>.</param>
internal sealed record ExportColumn(string Name, string Value, ExportKind Kind)
{
    public static IReadOnlyList<ExportColumn> All { get; } =
    [
        new("id", "usage.id", ExportKind.Id),
        new("createdAt", "usage.created_at", ExportKind.Time),
        new("recordedAt", "usage.recorded_at", ExportKind.Time),
        new("requestId", "usage.request_id", ExportKind.Id),
        new("orgId", "usage.org_id", ExportKind.Id),
        new("userId", "usage.user_id", ExportKind.Id),
        new("apiKeyId", "usage.api_key_id", ExportKind.Id),
        new("conversationId", "usage.conversation_id", ExportKind.Id),
        new("traceId", "usage.trace_id", ExportKind.Word),
        new("operation", "usage.operation", ExportKind.Word),
        new("model", "usage.model_alias", ExportKind.Text),
        new("provider", "usage.provider", ExportKind.Text),
        new("servedModel", "usage.served_model", ExportKind.Text),
        new("promptTokens", "usage.prompt_tokens", ExportKind.Long),
        new("completionTokens", "usage.completion_tokens", ExportKind.Long),
        new("cachedPromptTokens", "usage.cached_prompt_tokens", ExportKind.Long),
        new("cacheWriteTokens", "usage.cache_write_tokens", ExportKind.Long),
        new("cacheWrite1hTokens", "usage.cache_write_1h_tokens", ExportKind.Long),
        new("reasoningTokens", "usage.reasoning_tokens", ExportKind.Long),
        new("audioPromptTokens", "usage.audio_prompt_tokens", ExportKind.Long),
        new("audioCompletionTokens", "usage.audio_completion_tokens", ExportKind.Long),
        new("source", "usage.source", ExportKind.Word),
        new("outcome", "usage.outcome", ExportKind.Word),
        new("attempts", "usage.attempts", ExportKind.Int),
        new("fallbacks", "usage.fallbacks", ExportKind.Int),
        new("ttftMs", "usage.ttft_ms", ExportKind.Int),
        new("durationMs", "usage.duration_ms", ExportKind.Int),
        new("gatewayCallId", "usage.gateway_call_id", ExportKind.Text),
        new("costUsd", "trim_scale(usage.cost_usd)", ExportKind.Money),
        new("unpriced", "usage.is_unpriced", ExportKind.Flag),
    ];
}

/// <summary>What a column is of, in PostgreSQL.</summary>
internal enum ExportKind
{
    /// <summary>A <c>uuid</c>.</summary>
    Id,

    /// <summary>A <c>timestamptz</c>, told in UTC with microseconds.</summary>
    Time,

    /// <summary>A <c>text</c> of this ledger's own.</summary>
    Word,

    /// <summary>A <c>text</c> that somebody else wrote.</summary>
    Text,

    /// <summary>A <c>bigint</c>.</summary>
    Long,

    /// <summary>An <c>integer</c>.</summary>
    Int,

    /// <summary>A <c>numeric</c> with more digits than a decimal may have.</summary>
    Money,

    Flag,
}
