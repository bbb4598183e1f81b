using Npgsql;
using NpgsqlTypes;

namespace LlmAspire.Usage;

/// <summary>Days whose roll-ups are no longer by the hour (<see cref="HourFolding"/>): what cannot be told of them any more is refused, and never told wrong.</summary>
internal static class FoldedHours
{
    private const string Last = """
        SELECT max(day) FROM ledger.usage_day WHERE hours_folded AND day >= $1 AND day <= $2 AND ($3 OR day = ANY ($4))
        """;

    // Where a price of the model starts already, there is a roll-up before and one after.
    private const string Inside = """
        SELECT (entry.place - 1)::integer
        FROM unnest($1, $2, $3) WITH ORDINALITY AS entry (provider, model, effective_from, place) JOIN ledger.usage_day AS folded
            ON folded.hours_folded AND entry.effective_from > folded.day::timestamp AT TIME ZONE 'UTC'
                AND entry.effective_from < (folded.day + 1)::timestamp AT TIME ZONE 'UTC'
        WHERE NOT EXISTS (
            SELECT FROM ledger.llm_price AS price
            WHERE (price.provider, price.model, price.effective_from) = (entry.provider, entry.model, entry.effective_from))
        ORDER BY entry.place
        """;

    /// <summary>For a query that is answered from roll-ups.</summary>
    /// <exception cref="HoursFoldedException">It needs hours of such a day.</exception>
    public static async Task CheckAsync(NpgsqlConnection connection, ReportQuery query, IReadOnlyList<ReportKey> groupBy, CancellationToken cancellationToken)
    {
        var needsHours = groupBy.Contains(ReportKey.Hour)
            || (!query.IsInUtc && groupBy.Any(key => key is ReportKey.Day or ReportKey.Week or ReportKey.Month));
        // Of these days it needs a part.
        DateOnly[] cut = [.. new[] { query.From, query.To }.Where(time => !IsMidnight(time)).Select(DayOf)];
        if (!needsHours && cut.Length == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand(Last, connection);
        command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = DayOf(query.From) });
        command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = DayOf(query.To.AddTicks(-1)) });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = needsHours });
        command.Parameters.Add(new NpgsqlParameter<DateOnly[]> { TypedValue = cut, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Date });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        if (!await reader.IsDBNullAsync(0, cancellationToken))
        {
            throw new HoursFoldedException(await reader.GetFieldValueAsync<DateOnly>(0, cancellationToken));
        }
    }

    /// <summary>A price that starts in the middle of such a day: the hours before it and after it are one sum.</summary>
    /// <param name="connection">Where nobody folds hours meanwhile: in a transaction that saves prices.</param>
    public static async Task<IReadOnlyList<PriceProblem>> CheckPricesAsync(
        NpgsqlConnection connection, IReadOnlyList<PriceEntry> entries, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Inside, connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. entries.Select(entry => entry.Provider)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. entries.Select(entry => entry.Model)] });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. entries.Select(entry => entry.EffectiveFrom.ToUniversalTime())] });
        List<PriceProblem> problems = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            problems.Add(new PriceProblem(
                reader.GetInt32(0), "hours_folded", "The calls of this day are kept by the day only (Retention:HourlyRollups). Let the price start at midnight UTC."));
        }

        return problems;
    }

    private static bool IsMidnight(DateTimeOffset time) => time.UtcDateTime.TimeOfDay == TimeSpan.Zero;

    private static DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime);
}

/// <summary>A report needs hours of days whose roll-ups are by the day.</summary>
public sealed class HoursFoldedException(DateOnly last) : Exception($"Up to {last:yyyy-MM-dd} (UTC) roll-ups are by the day.")
{
    /// <summary>The last of these days (UTC) that the report needs hours of.</summary>
    public DateOnly Last => last;
}
