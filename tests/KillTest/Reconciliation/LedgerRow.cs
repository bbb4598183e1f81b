using Npgsql;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>A row of <c>ledger.llm_usage</c>.</summary>
internal sealed record LedgerRow(
    Guid Id,
    DateTimeOffset CreatedAt,
    Guid OrgId,
    Guid UserId,
    string Operation,
    string ModelAlias,
    string Provider,
    string ServedModel,
    string Source,
    string Outcome,
    long PromptTokens,
    long CompletionTokens,
    long CachedTokens,
    long CacheWriteTokens,
    long ReasoningTokens,
    string? GatewayCallId,
    bool Replaced)
{
    private const string Query = """
        SELECT id, created_at, org_id, user_id, operation, model_alias, coalesce(provider, ''), coalesce(served_model, ''), source, outcome, prompt_tokens,
            completion_tokens, coalesce(cached_prompt_tokens, 0), coalesce(cache_write_tokens, 0), coalesce(reasoning_tokens, 0), gateway_call_id,
            replaced_at IS NOT NULL
        FROM ledger.llm_usage
        """;

    public long Tokens => PromptTokens + CompletionTokens;

    /// <summary>Which call it is about: what the gateway was told, and the id when it never got that far.</summary>
    public string CallId => GatewayCallId ?? Id.ToString();

    public static async Task<IReadOnlyList<LedgerRow>> ReadAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(Query);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<LedgerRow> rows = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new LedgerRow(
                reader.GetGuid(0),
                await reader.GetFieldValueAsync<DateTimeOffset>(1, cancellationToken),
                reader.GetGuid(2),
                reader.GetGuid(3),
                reader.GetString(4),
                reader.GetString(5),
                reader.GetString(6),
                reader.GetString(7),
                reader.GetString(8),
                reader.GetString(9),
                reader.GetInt64(10),
                reader.GetInt64(11),
                reader.GetInt64(12),
                reader.GetInt64(13),
                reader.GetInt64(14),
                await reader.IsDBNullAsync(15, cancellationToken) ? null : reader.GetString(15),
                reader.GetBoolean(16)));
        }

        return rows;
    }
}
