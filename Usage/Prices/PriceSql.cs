using System.Text.Json;
using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>What statements about prices have in common.</summary>
internal static class PriceSql
{
    /// <summary>What counts as of the revision $1: of several entries for one start, in one layer, the last.</summary>
    public const string Entries = """
        SELECT DISTINCT ON (price.provider, price.model, price.token_class, layer, price.effective_from)
            price.provider, price.model, price.token_class, price.effective_from, price.usd_per_million, revision.source, revision.id AS revision, layer
        FROM ledger.llm_price AS price
            JOIN ledger.price_revision AS revision ON revision.id = price.revision_id
            CROSS JOIN LATERAL (SELECT revision.source = 'gateway' AS is_gateway) AS layer (layer)
        WHERE revision.id <= $1
        ORDER BY price.provider, price.model, price.token_class, layer, price.effective_from, revision.id DESC
        """;

    /// <summary>Whoever saves holds it until the end of the transaction; see the migration.</summary>
    public const string Lock = "SELECT pg_advisory_xact_lock(hashtextextended('ledger.price_revision', 0))";

    public const string NewestRevision = "SELECT coalesce(max(id), 0) FROM ledger.price_revision";

    public const string InsertRevision = "INSERT INTO ledger.price_revision (author, reason, source) VALUES ($1, $2, $3) RETURNING id";

    public const string InsertPrices = """
        INSERT INTO ledger.llm_price (revision_id, provider, model, token_class, effective_from, usd_per_million)
        SELECT $1, entry.* FROM unnest($2, $3, $4, $5, $6) AS entry
        """;

    public static IEnumerable<NpgsqlParameter> ParametersOf(IReadOnlyList<PriceEntry> entries) =>
    [
        ArrayOf(entries, entry => entry.Provider, NpgsqlDbType.Text),
        ArrayOf(entries, entry => entry.Model, NpgsqlDbType.Text),
        ArrayOf(entries, entry => entry.TokenClass, NpgsqlDbType.Text),
        ArrayOf(entries, entry => entry.EffectiveFrom.ToUniversalTime(), NpgsqlDbType.TimestampTz),
        ArrayOf(entries, entry => Trim(entry.UsdPerMillion), NpgsqlDbType.Numeric),
    ];

    /// <summary>The parameter <c>draft</c> of <c>price_periods</c>; null for none.</summary>
    public static NpgsqlParameter Draft(IReadOnlyList<PriceEntry> entries) => new()
    {
        NpgsqlDbType = NpgsqlDbType.Jsonb,
        Value = entries.Count == 0 ? DBNull.Value : JsonSerializer.Serialize(entries.Select(entry => new
        {
            provider = entry.Provider,
            model = entry.Model,
            token_class = entry.TokenClass,
            effective_from = entry.EffectiveFrom.ToUniversalTime(),
            usd_per_million = entry.UsdPerMillion,
        })),
    };

    public static PriceEntry ReadEntry(NpgsqlDataReader reader) => new(
        reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetFieldValue<DateTimeOffset>(3), DecimalOrNull(reader, 4));

    public static decimal? DecimalOrNull(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : Trim(reader.GetDecimal(column));

    /// <param name="command">Selects the columns of <c>price_periods</c> in their order.</param>
    public static async Task<List<PricePeriod>> ReadPeriodsAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        List<PricePeriod> periods = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            decimal? input = DecimalOrNull(reader, 4), output = DecimalOrNull(reader, 5);
            var validTo = await reader.GetFieldValueAsync<DateTime>(3, cancellationToken);
            periods.Add(new PricePeriod(
                reader.GetString(0), reader.GetString(1), await reader.GetFieldValueAsync<DateTimeOffset>(2, cancellationToken),
                // Npgsql's word for infinity.
                validTo == DateTime.MaxValue ? null : new DateTimeOffset(validTo), input is not null && output is not null, input, output,
                DecimalOrNull(reader, 6), DecimalOrNull(reader, 7), DecimalOrNull(reader, 8), DecimalOrNull(reader, 9),
                DecimalOrNull(reader, 10)));
        }

        return periods;
    }

    public static PriceSource ReadSource(NpgsqlDataReader reader, int column) => Enum.Parse<PriceSource>(reader.GetString(column), ignoreCase: true);

    /// <summary>Without zeros at its end: decimal keeps them, and they count as decimals in the table.</summary>
    private static decimal? Trim(decimal? price) => price / 1.000000000000000000000000000000000m;

    private static NpgsqlParameter<T[]> ArrayOf<T>(IReadOnlyList<PriceEntry> entries, Func<PriceEntry, T> value, NpgsqlDbType type) =>
        new() { TypedValue = [.. entries.Select(value)], NpgsqlDbType = NpgsqlDbType.Array | type };
}
