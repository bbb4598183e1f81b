using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>Reads single calls of the ledger with their cost. Safe to call concurrently.</summary>
public sealed class UsageCalls([FromKeyedServices(ConnectionPool.Reading)] NpgsqlDataSource source, Pins pins)
{
    /// <summary>Other calls of one request that are told.</summary>
    private const int MostOfRequest = 200;

    private const string Columns = """
        usage.id, usage.created_at, usage.recorded_at, usage.request_id, usage.user_id, usage.org_id, usage.api_key_id, usage.conversation_id, usage.trace_id,
        usage.operation, usage.model_alias, usage.provider, usage.served_model, usage.prompt_tokens, usage.completion_tokens, usage.cached_prompt_tokens,
        usage.cache_write_tokens, usage.cache_write_1h_tokens, usage.reasoning_tokens, usage.audio_prompt_tokens, usage.audio_completion_tokens, usage.source, usage.outcome,
        usage.attempts, usage.fallbacks, usage.ttft_ms, usage.duration_ms
        """;

    private const string MoreColumns = """
        usage.span_id, usage.gateway_call_id, usage.replaced_at, usage.raw_usage, price.valid_from, price.input, price.output, price.cached_input,
        price.cache_write, price.reasoning, price.audio_input, price.audio_output
        """;

    private const int ColumnsOfCall = 29;

    /// <param name="after">The end of the page before; null for the first.</param>
    /// <exception cref="PinUnknownException">The query's pin is not one of the past.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public async Task<CallPage> ListAsync(ReportQuery query, CallCursor? after, int limit, CancellationToken cancellationToken)
    {
        var asOf = await pins.CheckAsync(query.AsOf, cancellationToken);
        var parameters = new ReportParameters();
        var instant = parameters.Add(asOf.RecordedAt);
        var where = ReportSql.Where(query, parameters, "created_at");
        if (after is not null)
        {
            where += $" AND (created_at, id) < ({parameters.Add(after.CreatedAt)}, {parameters.Add(after.Id, NpgsqlDbType.Uuid)})";
        }

        // The page first: the prices are looked up for its calls. Rows and what they replaced apart, for each has an index in this order.
        var page = $"ORDER BY created_at DESC, id DESC LIMIT {parameters.Add(limit + 1, NpgsqlDbType.Integer)}";
        var calls = await ReadAsync(
            $"""
            WITH usage AS MATERIALIZED (
                (SELECT * FROM ledger.usage_recorded({instant}) WHERE {where} {page})
                UNION ALL (SELECT * FROM ledger.usage_provisional({instant}) WHERE {where} {page})
                {page}
            )
            SELECT {Columns}, {ReportSql.Cost}, {ReportSql.Unpriced}
            FROM usage {ReportSql.JoinPrice(parameters.Add(asOf.PriceRevision, NpgsqlDbType.Bigint), "usage.created_at")}
            ORDER BY usage.created_at DESC, usage.id DESC
            """,
            parameters, ReadCall, cancellationToken);
        return calls.Count > limit
            ? new CallPage(asOf, [.. calls.Take(limit)], new CallCursor(calls[limit - 1].CreatedAt, calls[limit - 1].Id))
            : new CallPage(asOf, calls, null);
    }

    /// <param name="id">Of the call.</param>
    /// <param name="filter">Whose calls may be seen.</param>
    /// <param name="pin">As in <see cref="ReportQuery"/>.</param>
    /// <returns>Null when there is no such call among them.</returns>
    /// <exception cref="PinUnknownException">The pin is not one of the past.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public async Task<CallStory?> FindAsync(Guid id, ReportFilter filter, AsOf? pin, CancellationToken cancellationToken)
    {
        var asOf = await pins.CheckAsync(pin, cancellationToken);
        if (id.Version != 7)
        {
            return null;
        }

        var parameters = new ReportParameters();
        var instant = parameters.Add(asOf.RecordedAt);
        // The time is in the id: one partition is read.
        var number = parameters.Add(id, NpgsqlDbType.Uuid);
        var found = await ReadAsync(
            $"""
            SELECT {Columns}, {ReportSql.Cost}, {ReportSql.Unpriced}, {MoreColumns}
            FROM ledger.usage_as_of({instant}) AS usage
                {ReportSql.JoinPrice(parameters.Add(asOf.PriceRevision, NpgsqlDbType.Bigint), "usage.created_at")}
            WHERE usage.id = {number} AND usage.created_at = ledger.uuid_v7_time({number}) AND {WhoseCalls(filter, parameters)}
            """,
            parameters,
            reader => ReadStory(reader, asOf),
            cancellationToken);
        return found is not [var story] ? null : story with { SameRequest = await ReadSameRequestAsync(story.Call, filter, asOf, cancellationToken) };
    }

    private async Task<List<ReportedCall>> ReadSameRequestAsync(ReportedCall call, ReportFilter filter, AsOf asOf, CancellationToken cancellationToken)
    {
        var parameters = new ReportParameters();
        var instant = parameters.Add(asOf.RecordedAt);
        return await ReadAsync(
            $"""
            SELECT {Columns}, {ReportSql.Cost}, {ReportSql.Unpriced}
            FROM ledger.usage_as_of({instant}) AS usage
                {ReportSql.JoinPrice(parameters.Add(asOf.PriceRevision, NpgsqlDbType.Bigint), "usage.created_at")}
            WHERE usage.request_id = {parameters.Add(call.RequestId, NpgsqlDbType.Uuid)} AND usage.id <> {parameters.Add(call.Id, NpgsqlDbType.Uuid)}
                AND {WhoseCalls(filter, parameters)}
            ORDER BY usage.created_at, usage.id LIMIT {MostOfRequest}
            """,
            parameters, ReadCall, cancellationToken);
    }

    private static string WhoseCalls(ReportFilter filter, ReportParameters parameters)
    {
        var org = filter.OrgId is { } orgId ? $"usage.org_id = {parameters.Add(orgId, NpgsqlDbType.Uuid)}" : "true";
        return filter.UserId is { } userId ? $"{org} AND usage.user_id = {parameters.Add(userId, NpgsqlDbType.Uuid)}" : org;
    }

    private async Task<List<T>> ReadAsync<T>(string statement, ReportParameters parameters, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand(statement);
        command.Parameters.AddRange(parameters.All.ToArray());
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<T> all = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            all.Add(read(reader));
        }

        return all;
    }

    private static ReportedCall ReadCall(NpgsqlDataReader reader) => new(
        reader.GetGuid(0),
        reader.GetFieldValue<DateTimeOffset>(1),
        reader.GetFieldValue<DateTimeOffset>(2),
        reader.GetGuid(3),
        reader.GetGuid(4),
        reader.GetGuid(5),
        OrNull<Guid>(reader, 6),
        OrNull<Guid>(reader, 7),
        Text(reader, 8),
        reader.GetString(9),
        reader.GetString(10),
        Text(reader, 11),
        Text(reader, 12),
        reader.GetInt64(13),
        reader.GetInt64(14),
        OrNull<long>(reader, 15),
        OrNull<long>(reader, 16),
        OrNull<long>(reader, 17),
        OrNull<long>(reader, 18),
        OrNull<long>(reader, 19),
        OrNull<long>(reader, 20),
        reader.GetString(21),
        reader.GetString(22),
        OrNull<int>(reader, 23),
        OrNull<int>(reader, 24),
        OrNull<int>(reader, 25),
        OrNull<int>(reader, 26),
        PriceSql.DecimalOrNull(reader, 27),
        reader.GetBoolean(28));

    private static CallStory ReadStory(NpgsqlDataReader reader, AsOf asOf)
    {
        var call = ReadCall(reader);
        decimal? Price(int column) => PriceSql.DecimalOrNull(reader, ColumnsOfCall + column);
        var prices = OrNull<DateTimeOffset>(reader, ColumnsOfCall + 4) is { } validFrom
            ? new CallPrices(Price(5), Price(6), Price(7), Price(8), Price(9), Price(10), Price(11), validFrom, asOf.PriceRevision)
            : null;
        var raw = Text(reader, ColumnsOfCall + 3);
        return new CallStory(
            asOf, call, Text(reader, ColumnsOfCall), Text(reader, ColumnsOfCall + 1), OrNull<DateTimeOffset>(reader, ColumnsOfCall + 2),
            raw is null ? null : JsonElement.Parse(raw), prices, [.. ClassesOf(call, prices)], []);
    }

    /// <summary>As <c>ledger.token_cost</c> charges them: each token once, at the price of its class or else of its side.</summary>
    private static IEnumerable<ClassCost> ClassesOf(ReportedCall call, CallPrices? prices)
    {
        var (cached, written, heard) = (call.CachedPromptTokens ?? 0, call.CacheWriteTokens ?? 0, call.AudioPromptTokens ?? 0);
        var (thought, spoken) = (call.ReasoningTokens ?? 0, call.AudioCompletionTokens ?? 0);
        (string Class, long Tokens, decimal? Price)[] classes =
        [
            (TokenClasses.Input, call.PromptTokens - cached - written - heard, prices?.Input),
            (TokenClasses.CachedInput, cached, prices?.CachedInput ?? prices?.Input),
            (TokenClasses.CacheWrite, written, prices?.CacheWrite ?? prices?.Input),
            (TokenClasses.AudioInput, heard, prices?.AudioInput ?? prices?.Input),
            (TokenClasses.Output, call.CompletionTokens - thought - spoken, prices?.Output),
            (TokenClasses.Reasoning, thought, prices?.Reasoning ?? prices?.Output),
            (TokenClasses.AudioOutput, spoken, prices?.AudioOutput ?? prices?.Output),
        ];
        // Unpriced as a whole: with one price missing the others are no cost.
        return classes.Where(one => one.Tokens > 0)
            .Select(one => new ClassCost(one.Class, one.Tokens, one.Price, call.Unpriced ? null : one.Tokens * one.Price / 1_000_000m));
    }

    private static T? OrNull<T>(NpgsqlDataReader reader, int column)
        where T : struct =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<T>(column);

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
