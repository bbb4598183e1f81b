namespace LlmAspire.Usage;

/// <summary>The columns of the roll-ups, as ingestion, rebuild and verification use them.</summary>
internal static class RollupSql
{
    public const string OrgKeys = $"hour, {OrgNames}";

    public const string UserKeys = $"hour, {UserNames}";

    /// <summary>The keys beside the hour.</summary>
    public const string OrgNames = "org_id, operation, model_alias, provider, served_model, source, outcome";

    /// <inheritdoc cref="OrgNames"/>
    public const string UserNames = "org_id, user_id, operation, model_alias, provider, served_model, source, outcome";

    /// <summary>Whether a row of the ledger used no token: 1 or 0.</summary>
    public const string IsEmpty = "(prompt_tokens + completion_tokens = 0)::integer";

    /// <summary>In the order of <see cref="ClassTokens"/>.</summary>
    public static IReadOnlyList<string> TokenColumns { get; } =
    [
        "prompt_tokens", "completion_tokens", "cached_prompt_tokens", "cache_write_tokens", "reasoning_tokens", "audio_prompt_tokens",
        "audio_completion_tokens",
    ];

    private static readonly string[] Columns = ["calls", "empty_calls", .. TokenColumns];

    public static string Values { get; } = string.Join(", ", Columns);

    /// <summary>Sums under the columns' own names.</summary>
    public static string Sums { get; } = string.Join(", ", Columns.Select(column => $"coalesce(sum({column}), 0)::bigint AS {column}"));

    /// <summary>The same; <c>ledger.total</c> takes no way round by numerics.</summary>
    public static string Totals { get; } = string.Join(", ", Columns.Select(column => $"ledger.total({column}) AS {column}"));

    /// <summary>Adds to the row of an alias <c>rollup</c> what was to be inserted.</summary>
    public static string Add { get; } = string.Join(", ", Columns.Select(column => $"{column} = rollup.{column} + excluded.{column}"));

    /// <summary>Whether a row says anything.</summary>
    public static string NotEmpty { get; } = $"({string.Join(", ", Columns)}) <> ({string.Join(", ", Columns.Select(_ => "0"))})";

    /// <summary>The first day (UTC) of the month of a time.</summary>
    public static string MonthOf(string time) => $"date_trunc('month', {time} AT TIME ZONE 'UTC')::date";

    /// <summary>The ledger's rows in the form of a roll-up, from the time $1 on.</summary>
    public static string FromRows(string keys) => $"""
        SELECT {keys}, {Sums}
        FROM (
            SELECT
                date_trunc('hour', created_at, 'UTC') AS hour, org_id, user_id, operation, model_alias, coalesce(provider, '') AS provider,
                coalesce(served_model, '') AS served_model, source, outcome, 1 AS calls, {IsEmpty} AS empty_calls, prompt_tokens, completion_tokens,
                cached_prompt_tokens, cache_write_tokens, reasoning_tokens, audio_prompt_tokens, audio_completion_tokens
            FROM ledger.llm_usage WHERE created_at >= $1
        ) AS rows
        GROUP BY {keys}
        """;
}
