using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Makes one roll-up of the roll-ups of a day's hours, for each of their other keys: of days whose rows were dropped, for rows are by the hour. Where a price starts in the
/// middle of the day there is one before it and one after, so that costs stay what they are, to the last digit. All that reads roll-ups of hours reads these in the same way; what
/// needs the hours themselves is refused (<see cref="FoldedHours"/>). Safe to call concurrently, from several processes, and while ingestion runs.
/// </summary>
public sealed class HourFolding(NpgsqlDataSource source)
{
    private const string IsDue = """
        NOT hours_folded AND (day + 1)::timestamp AT TIME ZONE 'UTC' <= (SELECT dropped_before FROM ledger.usage_retention)
        """;

    private const string Due = $"SELECT day FROM ledger.usage_day WHERE day < $1 AND {IsDue} ORDER BY day";

    // Who writes roll-ups of the day writes this row in the same transaction, at the end: what is not committed yet stays beside what is made here, or is added to it.
    private const string Take = $"SELECT day FROM ledger.usage_day WHERE day = $1 AND {IsDue} FOR UPDATE SKIP LOCKED";

    private const string Finish = "UPDATE ledger.usage_day SET hours_folded = true WHERE day = $1";

    private static readonly string FoldOrg = Fold("usage_rollup_org", RollupSql.OrgKeys, RollupSql.OrgNames);

    private static readonly string FoldUser = Fold("usage_rollup_user", RollupSql.UserKeys, RollupSql.UserNames);

    /// <summary>Folds the days that are due, the oldest first, each in a transaction of its own.</summary>
    /// <param name="before">Only days (UTC) that ended before it.</param>
    /// <returns>How many days were folded. One that another process works on is left to it.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away. Each day is folded or as it was.</exception>
    public async Task<int> FoldAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        List<DateOnly> due = [];
        await using (var command = source.CreateCommand(Due))
        {
            command.Parameters.Add(new NpgsqlParameter<DateOnly> { TypedValue = DateOnly.FromDateTime(before.UtcDateTime) });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                due.Add(await reader.GetFieldValueAsync<DateOnly>(0, cancellationToken));
            }
        }

        var folded = 0;
        foreach (var day in due)
        {
            folded += await LostRaces.RetryAsync(() => FoldAsync(day, cancellationToken)) ? 1 : 0;
        }

        return folded;
    }

    private async Task<bool> FoldAsync(DateOnly day, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        // A price that is saved later finds that the day is folded.
        await PriceRegistry.LockAsync(connection, cancellationToken);
        await using var take = new NpgsqlCommand(Take, connection) { Parameters = { new NpgsqlParameter<DateOnly> { TypedValue = day } } };
        if (await take.ExecuteScalarAsync(cancellationToken) is null)
        {
            return false;
        }

        var start = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero);
        foreach (var sql in new[] { FoldUser, FoldOrg })
        {
            // A day of a busy installation takes its time.
            await using var fold = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            fold.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = start });
            fold.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = start.AddDays(1) });
            await fold.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var finish = new NpgsqlCommand(Finish, connection) { Parameters = { new NpgsqlParameter<DateOnly> { TypedValue = day } } };
        await finish.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static string Fold(string table, string keys, string names) => $"""
        WITH start AS MATERIALIZED (
            SELECT DISTINCT provider, model, effective_from AS at FROM ledger.llm_price WHERE effective_from > $1 AND effective_from < $2
        ), hours AS MATERIALIZED (
            DELETE FROM ledger.{table} WHERE hour >= $1 AND hour < $2 RETURNING *
        )
        INSERT INTO ledger.{table} AS rollup ({keys}, {RollupSql.Values})
        SELECT at, {names}, {RollupSql.Totals}
        FROM (
            SELECT
                coalesce((
                    SELECT max(start.at) FROM start
                    WHERE start.provider = ledger.price_provider(hours.provider)
                        AND start.model = ledger.price_model(hours.served_model, hours.model_alias) AND start.at <= hours.hour), $1) AS at, hours.*
            FROM hours
        ) AS parts
        GROUP BY at, {names}
        ON CONFLICT ({keys}) DO UPDATE SET {RollupSql.Add}
        """;
}
