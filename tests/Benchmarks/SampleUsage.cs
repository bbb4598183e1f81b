using LlmAspire.Usage;
using Npgsql;

namespace LlmAspire.Benchmarks;

/// <summary>Fills a ledger with thirty days of calls of 50 organisations, 2,000 users and 20 models, a few of each far busier than the rest, and with prices that change.</summary>
internal sealed class SampleUsage(NpgsqlDataSource source, int count)
{
    private const int Models = 20;
    private const int RowsOfStatement = 250_000;

    /// <summary>The calls are of the days before this one (UTC).</summary>
    public static DateTimeOffset End { get; } = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);

    public static DateTimeOffset Start => End.AddDays(-30);

    private const string Insert = """
        INSERT INTO ledger.llm_usage (
            id, created_at, request_id, user_id, org_id, trace_id, operation, model_alias, provider, served_model, prompt_tokens, completion_tokens,
            cached_prompt_tokens, reasoning_tokens, source, outcome, attempts, ttft_ms, duration_ms, gateway_call_id)
        SELECT
            id, ledger.uuid_v7_time(id), id,
            CASE WHEN org = 0 AND person = 0 THEN $4 ELSE ('0195f000-0000-7000-8000-' || lpad(to_hex(4096 + 64 * org + person), 12, '0'))::uuid END,
            CASE WHEN org = 0 THEN $3 ELSE ('0195f000-0000-7000-8000-' || lpad(to_hex(org), 12, '0'))::uuid END,
            md5(n::text), CASE WHEN kind < 0.9 THEN 'chat' ELSE 'title' END, 'model-' || model, 'provider-' || model % 4, 'served-' || model,
            CASE WHEN kind < 0.03 THEN 0 ELSE (50 + 20000 * kind * kind)::bigint END, CASE WHEN kind < 0.03 THEN 0 ELSE (10 + 2000 * kind)::bigint END,
            CASE WHEN kind BETWEEN 0.5 AND 0.7 THEN 40 END, CASE WHEN model % 3 = 0 AND kind >= 0.03 THEN 5 END,
            CASE WHEN kind < 0.03 THEN 'none' WHEN kind < 0.06 THEN 'estimated' ELSE 'provider' END,
            CASE WHEN kind < 0.03 THEN 'failed' WHEN kind < 0.06 THEN 'stopped' ELSE 'completed' END,
            1, (200 + 500 * kind)::integer, (800 + 9000 * kind)::integer, md5((n + 1)::text)
        FROM (
            SELECT
                n, (lpad(to_hex($5 + n * 2592000000 / $6), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid AS id,
                (50 * random() ^ 2)::integer % 50 AS org, (40 * random() ^ 2)::integer % 40 AS person, (20 * random() ^ 2)::integer % 20 AS model, random() AS kind
            FROM generate_series($1::bigint, $2::bigint - 1) AS n
        ) AS call
        """;

    /// <param name="org">One of the organisations, a busy one.</param>
    /// <param name="user">One of its people.</param>
    public async Task FillAsync(Guid org, Guid user)
    {
        await ExecuteAsync($"SELECT ledger.ensure_usage_partition(at) FROM generate_series('{Start:O}'::timestamptz, '{End:O}', interval '1 day') AS at");
        // Two at a time: as many as the machine that it is made for has processors.
        await Parallel.ForEachAsync(
            Enumerable.Range(0, (count + RowsOfStatement - 1) / RowsOfStatement), new ParallelOptions { MaxDegreeOfParallelism = 2 },
            async (step, cancellationToken) =>
            {
                await using var command = source.CreateCommand(Insert);
                command.CommandTimeout = 0;
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = (long)step * RowsOfStatement });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Math.Min(count, (step + 1L) * RowsOfStatement) });
                command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = org });
                command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = user });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Start.ToUnixTimeMilliseconds() });
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = count });
                await command.ExecuteNonQueryAsync(cancellationToken);
            });
        await new UsageSums(source).RebuildAsync(CancellationToken.None);
        await SavePricesAsync();
        await new UsageDays(source).CompactAsync(End, CancellationToken.None);
        await ExecuteAsync("VACUUM (ANALYZE) ledger.llm_usage, ledger.usage_rollup_org, ledger.usage_rollup_user, ledger.usage_day, ledger.usage_day_org, ledger.usage_day_user");
    }

    /// <summary>Two models have no price; those of five change in the middle of a day.</summary>
    private async Task SavePricesAsync()
    {
        var registry = new PriceRegistry(source, TimeProvider.System);
        List<PriceEntry> prices = [.. Enumerable.Range(0, Models - 2).SelectMany(model => Prices(model, Start.AddYears(-1), 1 + model))];
        await registry.SaveAsync(PriceSource.Gateway, "benchmark", "list", prices, null, acceptImplausible: true, CancellationToken.None);
        for (var change = 0; change < 5; change++)
        {
            await registry.SaveAsync(
                PriceSource.Manual, "benchmark", "contract", [.. Prices(change, Start.AddDays(4 * change).AddHours(13), 2 + change)], null, acceptImplausible: true, CancellationToken.None);
        }
    }

    private static IEnumerable<PriceEntry> Prices(int model, DateTimeOffset from, decimal price) =>
    [
        new($"provider-{model % 4}", $"served-{model}", TokenClasses.Input, from, price),
        new($"provider-{model % 4}", $"served-{model}", TokenClasses.CachedInput, from, price / 10),
        new($"provider-{model % 4}", $"served-{model}", TokenClasses.Output, from, 4 * price),
    ];

    private async Task ExecuteAsync(string sql)
    {
        await using var command = source.CreateCommand(sql);
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync();
    }
}
