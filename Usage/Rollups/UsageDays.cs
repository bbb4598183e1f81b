using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Adds up the roll-ups of hours to those of days (UTC), which most reports are made of. A day that changes afterwards (a late settle, a price that starts in the middle of it) is read from
/// its hours until it is made again. Safe to call concurrently, from several processes, and while ingestion runs.
/// </summary>
public sealed class UsageDays(NpgsqlDataSource source)
{
    private const string Due = $"SELECT day FROM ledger.usage_day WHERE day < $1 AND NOT ({DaySql.IsCompacted}) IS TRUE ORDER BY day DESC";

    // Who writes roll-ups of the day writes this row in the same transaction: what the next statements see is all there is, until the end of this one.
    private const string Take = $"SELECT version FROM ledger.usage_day WHERE day = $1 AND NOT ({DaySql.IsCompacted}) IS TRUE FOR UPDATE SKIP LOCKED";

    private const string Finish = "UPDATE ledger.usage_day SET compacted_version = $2, price_revision = $3 WHERE day = $1";

    private static readonly string MakeByUser = $"""
        WITH start AS MATERIALIZED (
            SELECT DISTINCT provider, model, effective_from AS at FROM ledger.llm_price
            WHERE revision_id <= $3 AND effective_from > $1 AND effective_from < $2
        )
        INSERT INTO ledger.usage_day_user (at, {DaySql.UserKeys}, {DaySql.Values})
        SELECT at, {DaySql.UserKeys}, {DaySql.TotalsOfHours}
        FROM (
            SELECT
                coalesce((
                    SELECT max(start.at) FROM start
                    WHERE start.provider = ledger.price_provider(rollup.provider)
                        AND start.model = ledger.price_model(rollup.served_model, rollup.model_alias) AND start.at <= rollup.hour), $1) AS at, rollup.*
            FROM ledger.usage_rollup_user AS rollup WHERE hour >= $1 AND hour < $2
        ) AS hours
        GROUP BY at, {DaySql.UserKeys}
        HAVING ledger.total(calls) <> 0
        """;

    private static readonly string MakeByOrg = $"""
        INSERT INTO ledger.usage_day_org (at, {DaySql.OrgKeys}, {DaySql.Values})
        SELECT at, {DaySql.OrgKeys}, {DaySql.Totals} FROM ledger.usage_day_user WHERE at >= $1 AND at < $2 GROUP BY at, {DaySql.OrgKeys}
        """;

    /// <summary>Makes the sums of the days that have none, or whose roll-ups or prices changed, the newest first.</summary>
    /// <param name="before">Only days (UTC) that ended before it.</param>
    /// <returns>How many days were made. One that another process makes at the moment is left to it.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away. Each day is made or not made.</exception>
    public async Task<int> CompactAsync(DateTimeOffset before, CancellationToken cancellationToken)
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

        var made = 0;
        foreach (var day in due)
        {
            made += await LostRaces.RetryAsync(() => CompactAsync(day, cancellationToken)) ? 1 : 0;
        }

        return made;
    }

    private async Task<bool> CompactAsync(DateOnly day, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var take = new NpgsqlCommand(Take, connection) { Parameters = { new NpgsqlParameter<DateOnly> { TypedValue = day } } };
        if (await take.ExecuteScalarAsync(cancellationToken) is not long version)
        {
            return false;
        }

        await using var newest = new NpgsqlCommand(PriceSql.NewestRevision, connection);
        var revision = (long)(await newest.ExecuteScalarAsync(cancellationToken))!;
        foreach (var isByUser in new[] { true, false })
        {
            await ExecuteAsync($"DELETE FROM {DaySql.TableOf(isByUser)} WHERE at >= $1 AND at < $2", withRevision: false);
            await ExecuteAsync(isByUser ? MakeByUser : MakeByOrg, withRevision: isByUser);
        }

        await using var finish = new NpgsqlCommand(Finish, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<DateOnly> { TypedValue = day }, new NpgsqlParameter<long> { TypedValue = version }, new NpgsqlParameter<long> { TypedValue = revision },
            },
        };
        await finish.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;

        async Task ExecuteAsync(string sql, bool withRevision)
        {
            // A day of a busy installation takes its time.
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            var start = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero);
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = start });
            command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = start.AddDays(1) });
            if (withRevision)
            {
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = revision });
            }

            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
