using System.Globalization;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>Sums of the ledger with their cost, from roll-ups where they have what is asked for, else from rows. Safe to call concurrently.</summary>
public sealed class UsageReports(NpgsqlDataSource source, Pins pins)
{
    /// <summary>Groups of a summary.</summary>
    public const int MostGroups = 100_000;

    private const string Sums = """
        sum(calls)::bigint AS calls, sum(empty_calls)::bigint AS empty_calls, sum(prompt_tokens)::bigint AS prompt_tokens,
        sum(completion_tokens)::bigint AS completion_tokens, sum(cached_prompt_tokens)::bigint AS cached_prompt_tokens,
        sum(cache_write_tokens)::bigint AS cache_write_tokens, sum(reasoning_tokens)::bigint AS reasoning_tokens,
        sum(audio_prompt_tokens)::bigint AS audio_prompt_tokens, sum(audio_completion_tokens)::bigint AS audio_completion_tokens
        """;

    /// <param name="groupBy">At most one of the times.</param>
    /// <exception cref="ReportTooLargeException">More than <see cref="MostGroups"/>.</exception>
    /// <exception cref="PinUnknownException">The query's pin is not one of the past.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public async Task<UsageSummary> SummariseAsync(ReportQuery query, IReadOnlyList<ReportKey> groupBy, CancellationToken cancellationToken)
    {
        var asOf = await pins.CheckAsync(query.AsOf, cancellationToken);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginReportAsync(cancellationToken);
        var boundaries = await ReadPriceChangesAsync(connection, query, asOf, cancellationToken);

        var parameters = new ReportParameters();
        var statement = Summarise(query, asOf, groupBy, boundaries, parameters);
        await using var command = new NpgsqlCommand(statement, connection);
        command.Parameters.AddRange(parameters.All.ToArray());
        List<SummaryGroup> groups = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (groups.Count == MostGroups)
            {
                throw new ReportTooLargeException(MostGroups);
            }

            groups.Add(ReadGroup(reader, groupBy));
        }

        return new UsageSummary(asOf, query.FitsRollups, groups);
    }

    /// <summary>The times within the query at which any price changes: between two of them each model has one price.</summary>
    private static async Task<DateTime[]> ReadPriceChangesAsync(NpgsqlConnection connection, ReportQuery query, AsOf asOf, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT coalesce(array_agg(DISTINCT valid_from ORDER BY valid_from), '{}') FROM ledger.price_periods($1) WHERE valid_from > $2 AND valid_from < $3
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = asOf.PriceRevision });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = query.From.ToUniversalTime() });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = query.To.ToUniversalTime() });
        return (DateTime[])(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>
    /// Tokens are added up by what is asked for, by model and by the time between two changes of prices before they meet prices: the cost is linear in
    /// them, and sums are far fewer than roll-ups.
    /// </summary>
    private static string Summarise(
        ReportQuery query, AsOf asOf, IReadOnlyList<ReportKey> groupBy, DateTime[] boundaries, ReportParameters parameters)
    {
        var zone = parameters.Add(query.Zone, NpgsqlDbType.Text);
        var from = Source(query, asOf, groupBy, parameters);
        var where = ReportSql.Where(query, parameters, "at");
        var since = parameters.Add(query.From);
        if (boundaries.Length > 0)
        {
            var changes = parameters.Add(boundaries, NpgsqlDbType.Array | NpgsqlDbType.TimestampTz);
            since = $"(ARRAY[{since}] || {changes})[width_bucket(at, {changes}) + 1]";
        }

        var keys = groupBy.SelectMany((key, index) => Columns(key, index, zone)).ToList();
        var names = keys.Select(key => key.Name).ToList();
        return $"""
            WITH usage AS MATERIALIZED (
                SELECT {List([.. keys.Select(key => $"{key.Value} AS {key.Name}"), $"{since} AS since"])}, provider, served_model, source, {Sums}
                FROM {from} WHERE {where}
                GROUP BY {List([.. names, "since"])}, provider, served_model, source
            ), priced AS (
                SELECT usage.*, {ReportSql.Cost} AS cost FROM usage {ReportSql.JoinPrice(parameters.Add(asOf.PriceRevision, NpgsqlDbType.Bigint), "usage.since")}
            )
            SELECT
                {Sums},
                coalesce(sum(prompt_tokens + completion_tokens) FILTER (WHERE source = 'estimated'), 0)::bigint,
                coalesce(sum(prompt_tokens + completion_tokens) FILTER (WHERE source = 'partial'), 0)::bigint,
                trim_scale(coalesce(sum(cost), 0)),
                trim_scale(coalesce(sum(cost) FILTER (WHERE source = 'estimated'), 0)),
                trim_scale(coalesce(sum(cost) FILTER (WHERE source = 'partial'), 0)),
                coalesce(sum(calls - empty_calls) FILTER (WHERE cost IS NULL), 0)::bigint,
                coalesce(sum(prompt_tokens + completion_tokens) FILTER (WHERE cost IS NULL), 0)::bigint
                {string.Concat(names.Select(name => $", {name}"))}
            FROM priced
            {(names.Count == 0 ? "HAVING count(*) > 0" : $"GROUP BY {List(names)} ORDER BY {List(groupBy.Select(Order))}")}
            LIMIT {MostGroups + 1}
            """;
    }

    private static string Source(ReportQuery query, AsOf asOf, IReadOnlyList<ReportKey> groupBy, ReportParameters parameters)
    {
        if (query.FitsRollups)
        {
            var table = query.Filter.IsAboutUsers || groupBy.Contains(ReportKey.User) ? "usage_rollup_user" : "usage_rollup_org";
            return $"(SELECT hour AS at, * FROM ledger.{table}) AS rollup";
        }

        return $"""
            (
                SELECT
                    created_at AS at, org_id, user_id, operation, model_alias, coalesce(provider, '') AS provider, coalesce(served_model, '') AS served_model,
                    source, outcome, 1 AS calls, {RollupSql.IsEmpty} AS empty_calls, prompt_tokens, completion_tokens,
                    coalesce(cached_prompt_tokens, 0) AS cached_prompt_tokens, coalesce(cache_write_tokens, 0) AS cache_write_tokens,
                    coalesce(reasoning_tokens, 0) AS reasoning_tokens, coalesce(audio_prompt_tokens, 0) AS audio_prompt_tokens,
                    coalesce(audio_completion_tokens, 0) AS audio_completion_tokens
                FROM ledger.usage_as_of({parameters.Add(asOf.RecordedAt)})
            ) AS rows
            """;
    }

    /// <summary>A local hour may come twice, with another offset.</summary>
    private static IEnumerable<(string Name, string Value)> Columns(ReportKey key, int index, string zone)
    {
        yield return ($"key{index}", key switch
        {
            ReportKey.Hour or ReportKey.Day or ReportKey.Week or ReportKey.Month =>
                $"date_trunc('{key.ToString().ToLowerInvariant()}', at AT TIME ZONE {zone})",
            ReportKey.Model => "model_alias",
            ReportKey.Provider => "provider",
            ReportKey.ServedModel => "served_model",
            ReportKey.User => "user_id::text",
            ReportKey.Organisation => "org_id::text",
            ReportKey.Operation => "operation",
            ReportKey.Outcome => "outcome",
            _ => throw new ArgumentOutOfRangeException(nameof(key), key, "There is no such key."),
        });
        if (key == ReportKey.Hour)
        {
            yield return ($"offset{index}", $"(at AT TIME ZONE {zone}) - (at AT TIME ZONE 'UTC')");
        }
    }

    private static string Order(ReportKey key, int index) => key == ReportKey.Hour ? $"key{index} - offset{index}, offset{index} DESC" : $"key{index}";

    private static SummaryGroup ReadGroup(NpgsqlDataReader reader, IReadOnlyList<ReportKey> groupBy)
    {
        var column = 0;
        long Long() => reader.GetInt64(column++);
        decimal Decimal() => reader.GetDecimal(column++);
        var (calls, empty, prompt, completion) = (Long(), Long(), Long(), Long());
        var (cached, written, thought, heard, spoken) = (Long(), Long(), Long(), Long(), Long());
        var (estimated, partial) = (Long(), Long());
        var (cost, estimatedCost, partialCost) = (Decimal(), Decimal(), Decimal());
        var (unpricedCalls, unpricedTokens) = (Long(), Long());
        List<string?> keys = [];
        foreach (var key in groupBy)
        {
            keys.Add(key switch
            {
                ReportKey.Hour => new DateTimeOffset(reader.GetDateTime(column++), reader.GetTimeSpan(column++))
                    .ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture),
                ReportKey.Day or ReportKey.Week or ReportKey.Month => reader.GetDateTime(column++).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
                _ => reader.GetString(column++) is { Length: > 0 } text ? text : null,
            });
        }

        return new SummaryGroup(
            keys,
            new ReportSums(
                calls, empty, prompt, completion, cached, written, thought, heard, spoken, estimated, partial, cost, estimatedCost, partialCost, unpricedCalls,
                unpricedTokens));
    }

    private static string List(IEnumerable<string> parts) => string.Join(", ", parts);
}
