namespace LlmAspire.Usage;

/// <summary>
/// The roll-ups of days (UTC): <c>usage_day_org</c> and <c>usage_day_user</c>, and the list of the days, <c>usage_day</c>. They are made of the roll-ups of hours, know
/// neither operation nor outcome, and have what is estimated and partial beside the whole.
/// </summary>
internal static class DaySql
{
    public const string OrgKeys = "org_id, model_alias, provider, served_model";

    public const string UserKeys = "org_id, user_id, model_alias, provider, served_model";

    /// <summary>
    /// Whether a day has sums of its own that are right: made of the roll-ups that it has now, and split where prices start. What a day was split at stays a start: prices are
    /// only added to.
    /// </summary>
    public const string IsCompacted = """
        compacted_version = version AND NOT EXISTS (
            SELECT FROM ledger.llm_price AS price
            WHERE price.revision_id > usage_day.price_revision AND price.effective_from > usage_day.day::timestamp AT TIME ZONE 'UTC'
                AND price.effective_from < (usage_day.day + 1)::timestamp AT TIME ZONE 'UTC')
        """;

    private static readonly string[] Parts = ["estimated", "partial"];

    private static readonly IEnumerable<string> PartColumns = Parts.SelectMany(part => RollupSql.TokenColumns.Select(column => $"{part}_{column}"));

    public static string Values { get; } = $"{RollupSql.Values}, {string.Join(", ", PartColumns)}";

    /// <summary>Of these roll-ups.</summary>
    public static string Totals { get; } = $"{RollupSql.Totals}, {string.Join(", ", PartColumns.Select(column => $"ledger.total({column}) AS {column}"))}";

    /// <summary>Of roll-ups of hours.</summary>
    public static string TotalsOfHours { get; } = $"{RollupSql.Totals}, {string.Join(", ", Parts.SelectMany(part => RollupSql.TokenColumns.Select(
        column => $"ledger.total({column}) FILTER (WHERE source = '{part}') AS {part}_{column}")))}";

    /// <summary>Says that roll-ups of days are changed, in the statement that changes them: whoever makes the sums of such a day waits for it, or it for them.</summary>
    /// <param name="days">A SELECT.</param>
    public static string Touch(string days) => $"""
        INSERT INTO ledger.usage_day AS known (day) SELECT day FROM ({days}) AS touched (day) ORDER BY day
        ON CONFLICT (day) DO UPDATE SET version = known.version + 1
        """;

    public static string TableOf(bool isByUser) => isByUser ? "ledger.usage_day_user" : "ledger.usage_day_org";
}
