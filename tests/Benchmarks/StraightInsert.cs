using System.Text.Json;
using LlmAspire.Usage;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Benchmarks;

/// <summary>The floor: the same rows straight into <c>ledger.llm_usage</c>, with neither inbox nor sums.</summary>
internal static class StraightInsert
{
    private const string Insert = """
        INSERT INTO ledger.llm_usage (
            id, created_at, request_id, user_id, org_id, trace_id, span_id, conversation_id, operation, model_alias, provider, served_model, prompt_tokens,
            completion_tokens, cached_prompt_tokens, reasoning_tokens, source, outcome, ttft_ms, duration_ms, gateway_call_id, raw_usage)
        SELECT * FROM unnest(
            $1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::text[],
            $12::text[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::text[], $18::text[], $19::integer[], $20::integer[], $21::text[],
            $22::jsonb[])
        """;

    public static async Task InsertAsync(NpgsqlDataSource source, IReadOnlyList<UsageEvent> events)
    {
        await using var command = source.CreateCommand(Insert);
        Add(NpgsqlDbType.Uuid, one => one.Id);
        Add(NpgsqlDbType.TimestampTz, one => one.CreatedAt);
        Add(NpgsqlDbType.Uuid, one => one.RequestId);
        Add(NpgsqlDbType.Uuid, one => one.UserId);
        Add(NpgsqlDbType.Uuid, one => one.OrgId);
        Add(NpgsqlDbType.Text, one => one.Traceparent!.Split('-')[1]);
        Add(NpgsqlDbType.Text, one => one.Traceparent!.Split('-')[2]);
        Add(NpgsqlDbType.Uuid, one => one.ConversationId);
        Add(NpgsqlDbType.Text, one => Word(one.Operation));
        Add(NpgsqlDbType.Text, one => one.ModelAlias);
        Add(NpgsqlDbType.Text, one => one.Provider);
        Add(NpgsqlDbType.Text, one => one.ServedModel);
        Add(NpgsqlDbType.Bigint, one => one.PromptTokens);
        Add(NpgsqlDbType.Bigint, one => one.CompletionTokens);
        Add(NpgsqlDbType.Bigint, one => one.CachedPromptTokens);
        Add(NpgsqlDbType.Bigint, one => one.ReasoningTokens);
        Add(NpgsqlDbType.Text, one => Word(one.Source));
        Add(NpgsqlDbType.Text, one => Word(one.Outcome));
        Add(NpgsqlDbType.Integer, one => one.TtftMs);
        Add(NpgsqlDbType.Integer, one => one.DurationMs);
        Add(NpgsqlDbType.Text, one => one.GatewayCallId);
        Add(NpgsqlDbType.Jsonb, one => JsonSerializer.Serialize(one.RawUsage));
        await command.ExecuteNonQueryAsync();

        void Add<T>(NpgsqlDbType type, Func<UsageEvent, T> value) =>
            command.Parameters.Add(new NpgsqlParameter { Value = events.Select(value).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type });
    }

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
