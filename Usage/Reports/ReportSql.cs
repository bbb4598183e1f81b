using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>What the statements of reports have in common. They read <c>usage</c>, a row or a sum of rows, and <c>price</c>.</summary>
internal static class ReportSql
{
    /// <summary>Large sums are made in memory, and for once: compiling the statement takes longer than it saves.</summary>
    public const string Planning = "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off";

    public const string Cost = """
        ledger.token_cost(
            usage.prompt_tokens, usage.completion_tokens, coalesce(usage.cached_prompt_tokens, 0), coalesce(usage.cache_write_tokens, 0),
            coalesce(usage.reasoning_tokens, 0), coalesce(usage.audio_prompt_tokens, 0), coalesce(usage.audio_completion_tokens, 0),
            price.input, price.output, price.cached_input, price.cache_write, price.reasoning, price.audio_input, price.audio_output)
        """;

    public const string Unpriced = "usage.prompt_tokens + usage.completion_tokens > 0 AND (price.input IS NULL OR price.output IS NULL)";

    /// <summary>The price that was in force at a time.</summary>
    public static string JoinPrice(string revision, string time) => $"""
        LEFT JOIN ledger.price_periods({revision}) AS price
            ON price.provider = ledger.price_provider(usage.provider) AND price.model = ledger.price_model(usage.served_model, usage.model_alias)
            AND price.valid_from <= {time} AND {time} < price.valid_to
        """;

    /// <summary>The one place that says which rows a report may see.</summary>
    /// <param name="time">The column of the time.</param>
    public static string Where(ReportQuery query, ReportParameters parameters, string time) => string.Join(" AND ", Conditions(query, parameters, time));

    private static IEnumerable<string> Conditions(ReportQuery query, ReportParameters parameters, string time)
    {
        yield return $"{time} >= {parameters.Add(query.From)} AND {time} < {parameters.Add(query.To)}";
        var filter = query.Filter;
        if (filter.OrgId is { } org)
        {
            yield return $"org_id = {parameters.Add(org, NpgsqlDbType.Uuid)}";
        }

        if (filter.UserId is { } user)
        {
            yield return $"user_id = {parameters.Add(user, NpgsqlDbType.Uuid)}";
        }

        if (filter.ConversationId is { } conversation)
        {
            yield return $"conversation_id = {parameters.Add(conversation, NpgsqlDbType.Uuid)}";
        }

        if (filter.RequestId is { } request)
        {
            yield return $"request_id = {parameters.Add(request, NpgsqlDbType.Uuid)}";
        }

        foreach (var condition in new[]
        {
            AnyOf("org_id", filter.Orgs, NpgsqlDbType.Uuid, parameters),
            AnyOf("user_id", filter.Users, NpgsqlDbType.Uuid, parameters),
            AnyOf("model_alias", filter.Models, NpgsqlDbType.Text, parameters),
            AnyOf("provider", filter.Providers, NpgsqlDbType.Text, parameters),
            AnyOf("served_model", filter.ServedModels, NpgsqlDbType.Text, parameters),
            AnyOf("operation", Names(filter.Operations), NpgsqlDbType.Text, parameters),
            AnyOf("outcome", Names(filter.Outcomes), NpgsqlDbType.Text, parameters),
            AnyOf("source", Names(filter.Sources), NpgsqlDbType.Text, parameters),
        }.OfType<string>())
        {
            yield return condition;
        }
    }

    private static string? AnyOf<T>(string column, IReadOnlyList<T> values, NpgsqlDbType type, ReportParameters parameters) =>
        values.Count == 0 ? null : $"{column} = ANY ({parameters.Add(values.ToArray(), NpgsqlDbType.Array | type)})";

    private static string[] Names<TEnum>(IReadOnlyList<TEnum> values)
        where TEnum : struct, Enum =>
        [.. values.Select(value => value.ToString().ToLowerInvariant())];
}
