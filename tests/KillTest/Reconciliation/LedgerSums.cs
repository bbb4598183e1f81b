using Npgsql;

namespace LlmAspire.KillTest.Reconciliation;

/// <summary>
/// Holds roll-ups and allowances against the rows, added up here and not in SQL: what the product's own verification shares with the statement
/// that it verifies could hide a mistake of both.
/// </summary>
internal static class LedgerSums
{
    private static readonly string[] Columns =
        ["calls", "prompt_tokens", "completion_tokens", "cached_prompt_tokens", "cache_write_tokens", "reasoning_tokens"];

    /// <returns>A line for each difference.</returns>
    public static async Task<IReadOnlyList<string>> CompareAsync(NpgsqlDataSource source, IReadOnlyList<LedgerRow> rows, CancellationToken cancellationToken)
    {
        var sums = string.Join(", ", Columns);
        return
        [
            .. Differences(
                "usage_rollup_org",
                Sum(rows, row => Key(row, "")),
                await ReadAsync(source, $"SELECT {RollupKey("''")}, {sums} FROM ledger.usage_rollup_org", Columns.Length, cancellationToken)),
            .. Differences(
                "usage_rollup_user",
                Sum(rows, row => Key(row, row.UserId.ToString())),
                await ReadAsync(source, $"SELECT {RollupKey("user_id::text")}, {sums} FROM ledger.usage_rollup_user", Columns.Length, cancellationToken)),
            .. Differences(
                "allowance",
                rows.GroupBy(row => $"{row.OrgId} {row.CreatedAt.UtcDateTime:yyyy-MM}").ToDictionary(month => month.Key, month => new[] { month.Sum(row => row.Tokens) }),
                await ReadAsync(source, "SELECT org_id || ' ' || to_char(month, 'YYYY-MM'), used_tokens FROM ledger.allowance", 1, cancellationToken)),
        ];
    }

    private static string RollupKey(string user) => $"""
        concat_ws('|', to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24'), org_id, {user}, operation, model_alias, provider, served_model, source, outcome)
        """;

    private static string Key(LedgerRow row, string user) => string.Join(
        '|', $"{row.CreatedAt.UtcDateTime:yyyy-MM-dd HH}", row.OrgId, user, row.Operation, row.ModelAlias, row.Provider, row.ServedModel, row.Source, row.Outcome);

    private static Dictionary<string, long[]> Sum(IReadOnlyList<LedgerRow> rows, Func<LedgerRow, string> key) =>
        rows.GroupBy(key).ToDictionary(group => group.Key, group => new[]
        {
            group.LongCount(),
            group.Sum(row => row.PromptTokens),
            group.Sum(row => row.CompletionTokens),
            group.Sum(row => row.CachedTokens),
            group.Sum(row => row.CacheWriteTokens),
            group.Sum(row => row.ReasoningTokens),
        });

    /// <summary>A sum of nothing is as good as none.</summary>
    private static IEnumerable<string> Differences(string table, Dictionary<string, long[]> rows, Dictionary<string, long[]> sums) =>
        from key in rows.Keys.Union(sums.Keys)
        let expected = rows.GetValueOrDefault(key)
        let found = sums.GetValueOrDefault(key)
        where !(expected ?? [.. found!.Select(_ => 0L)]).SequenceEqual(found ?? [.. expected!.Select(_ => 0L)])
        select $"{table} {key}: {Text(found)}, but the rows are {Text(expected)}";

    private static string Text(long[]? values) => values is null ? "nothing" : string.Join('/', values);

    private static async Task<Dictionary<string, long[]>> ReadAsync(NpgsqlDataSource source, string query, int values, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(query);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        Dictionary<string, long[]> sums = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            sums.Add(reader.GetString(0), [.. Enumerable.Range(1, values).Select(reader.GetInt64)]);
        }

        return sums;
    }
}
