using static NpgsqlTypes.NpgsqlDbType;

namespace LlmAspire.Usage;

/// <summary>What an event says, as columns: the inbox and the ledger have them under one name.</summary>
internal static class UsageColumns
{
    public static readonly SqlColumns<UsageEvent> Common = new(
        new SqlColumn<UsageEvent, Guid>("id", Uuid, one => one.Id),
        new SqlColumn<UsageEvent, Guid>("request_id", Uuid, one => one.RequestId),
        new SqlColumn<UsageEvent, Guid>("user_id", Uuid, one => one.UserId),
        new SqlColumn<UsageEvent, Guid>("org_id", Uuid, one => one.OrgId),
        new SqlColumn<UsageEvent, Guid?>("api_key_id", Uuid, one => one.ApiKeyId),
        new SqlColumn<UsageEvent, Guid?>("conversation_id", Uuid, one => one.ConversationId),
        new SqlColumn<UsageEvent, string>("operation", Text, one => one.Operation.ToString().ToLowerInvariant()),
        new SqlColumn<UsageEvent, string?>("model_alias", Text, one => SqlText.Storable(one.ModelAlias)),
        new SqlColumn<UsageEvent, string?>("provider", Text, one => SqlText.Storable(one.Provider)),
        new SqlColumn<UsageEvent, string?>("served_model", Text, one => SqlText.Storable(one.ServedModel)),
        new SqlColumn<UsageEvent, long>("prompt_tokens", Bigint, one => one.PromptTokens),
        new SqlColumn<UsageEvent, long>("completion_tokens", Bigint, one => one.CompletionTokens),
        new SqlColumn<UsageEvent, long?>("cached_prompt_tokens", Bigint, one => one.CachedPromptTokens),
        new SqlColumn<UsageEvent, long?>("cache_write_tokens", Bigint, one => one.CacheWriteTokens),
        new SqlColumn<UsageEvent, long?>("cache_write_1h_tokens", Bigint, one => one.CacheWrite1hTokens),
        new SqlColumn<UsageEvent, long?>("reasoning_tokens", Bigint, one => one.ReasoningTokens),
        new SqlColumn<UsageEvent, long?>("audio_prompt_tokens", Bigint, one => one.AudioPromptTokens),
        new SqlColumn<UsageEvent, long?>("audio_completion_tokens", Bigint, one => one.AudioCompletionTokens),
        new SqlColumn<UsageEvent, string>("source", Text, one => one.Source.ToString().ToLowerInvariant()),
        new SqlColumn<UsageEvent, string>("outcome", Text, one => one.Outcome.ToString().ToLowerInvariant()),
        new SqlColumn<UsageEvent, int?>("attempts", Integer, one => one.Attempts),
        new SqlColumn<UsageEvent, int?>("fallbacks", Integer, one => one.Fallbacks),
        new SqlColumn<UsageEvent, int?>("ttft_ms", Integer, one => one.TtftMs),
        new SqlColumn<UsageEvent, int>("duration_ms", Integer, one => one.DurationMs),
        new SqlColumn<UsageEvent, string?>("gateway_call_id", Text, one => SqlText.Storable(one.GatewayCallId)),
        new SqlColumn<UsageEvent, string?>("raw_usage", Jsonb, one => UsageEventJson.RawUsage(one)));

    /// <summary>With the traceparent, of which the ledger has parts.</summary>
    public static readonly SqlColumns<UsageEvent> Inbox = Common.With(new SqlColumn<UsageEvent, string?>("traceparent", Text, one => SqlText.Storable(one.Traceparent)));

    /// <summary>Inserts events into the inbox; its parameters are arrays.</summary>
    public static readonly string InsertIntoInbox = $"INSERT INTO ledger.usage_inbox ({Inbox.Names}) SELECT * FROM unnest({Inbox.Numbers})";
}
