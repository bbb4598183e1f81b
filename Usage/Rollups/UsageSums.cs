using System.Data;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// What is derived from the ledger: the roll-ups and the allowances. They are kept up by the statements that write rows; here they are held against
/// the rows, and made again. Safe to call while ingestion runs.
/// </summary>
public sealed class UsageSums(NpgsqlDataSource source)
{
    private const string KeptSince = "SELECT coalesce((SELECT dropped_before FROM ledger.usage_retention), '-infinity')";

    // Partitions are not dropped between the snapshot, which the first query makes, and their turn to be read.
    private const string KeepPartitions = "LOCK TABLE ledger.llm_usage IN ACCESS SHARE MODE";

    private const string LockRollups = "LOCK TABLE ledger.llm_usage, ledger.usage_rollup_org, ledger.usage_rollup_user IN SHARE ROW EXCLUSIVE MODE";

    private static readonly string AllowancesFromRows = Allowances("ledger.llm_usage", "created_at");

    private static readonly string AllowancesFromRollup = Allowances("ledger.usage_rollup_org", "hour");

    // The sums of days that were made of what their hours were before are not read, and made again by themselves.
    private const string Touched = """
        SELECT (hour AT TIME ZONE 'UTC')::date AS day FROM ledger.usage_rollup_org WHERE hour >= $1
        UNION SELECT day FROM ledger.usage_day WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date
        """;

    private static readonly Derived[] Rollups =
    [
        new("usage_rollup_org", RollupSql.OrgKeys, RollupSql.Values, RollupSql.NotEmpty, "hour >= $1", RollupSql.FromRows(RollupSql.OrgKeys)),
        new("usage_rollup_user", RollupSql.UserKeys, RollupSql.Values, RollupSql.NotEmpty, "hour >= $1", RollupSql.FromRows(RollupSql.UserKeys)),
    ];

    private static readonly Derived Allowance =
        new("allowance", "org_id, month", "used_tokens, reserved_tokens", "(used_tokens, reserved_tokens) <> (0, 0)",
            "month >= ($1::timestamptz AT TIME ZONE 'UTC')::date", AllowancesFromRows);

    /// <summary>
    /// In one snapshot, what is missing in each allowance or too much; that is added to it as it is by then. Whoever books meanwhile changes both sides of the difference by the same, so
    /// nobody is waited for, and nobody waits but at the few rows that are wrong, for a moment.
    /// </summary>
    private static readonly string CorrectAllowances = $"""
        WITH made AS MATERIALIZED (
            SELECT * FROM ({AllowancesFromRollup}) AS made WHERE {Allowance.Within} AND {Allowance.NotEmpty}
        ), difference AS MATERIALIZED (
            SELECT
                org_id, month, kept.org_id IS NULL AS is_missing, coalesce(made.used_tokens, 0) - coalesce(kept.used_tokens, 0) AS used,
                coalesce(made.reserved_tokens, 0) - coalesce(kept.reserved_tokens, 0) AS reserved
            FROM made FULL JOIN (SELECT * FROM ledger.allowance WHERE {Allowance.Within}) AS kept USING (org_id, month)
            WHERE (made.used_tokens, made.reserved_tokens) IS DISTINCT FROM (coalesce(kept.used_tokens, 0), coalesce(kept.reserved_tokens, 0))
        ), corrected AS (
            UPDATE ledger.allowance AS allowance
            SET used_tokens = allowance.used_tokens + difference.used, reserved_tokens = allowance.reserved_tokens + difference.reserved
            FROM difference
            WHERE allowance.org_id = difference.org_id AND allowance.month = difference.month AND NOT is_missing
        ), added AS (
            INSERT INTO ledger.allowance AS allowance (org_id, month, used_tokens, reserved_tokens)
            SELECT org_id, month, used, reserved FROM difference WHERE is_missing ORDER BY org_id, month
            ON CONFLICT (org_id, month) DO UPDATE
            SET used_tokens = allowance.used_tokens + excluded.used_tokens, reserved_tokens = allowance.reserved_tokens + excluded.reserved_tokens
        )
        SELECT count(*)::int FROM made
        """;

    // Two that correct the same difference at once would do it twice.
    private const string OneAtATime = "SELECT pg_advisory_xact_lock(hashtextextended('ledger.rebuild', 0))";

    private static readonly Derived[] Days = [DaysOf("usage_day_org", DaySql.OrgKeys, "usage_rollup_org"), DaysOf("usage_day_user", DaySql.UserKeys, "usage_rollup_user")];

    /// <summary>Compares every sum with the rows, and the sums of days with those of their hours, in one snapshot.</summary>
    /// <returns>The differences; none when every sum is right.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away, or has no ledger.</exception>
    public async Task<IReadOnlyList<SumDifference>> VerifyAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        await using (var kept = new NpgsqlCommand(KeepPartitions, connection))
        {
            await kept.ExecuteNonQueryAsync(cancellationToken);
        }

        var since = await ReadSinceAsync(connection, cancellationToken);
        List<SumDifference> differences = [];
        foreach (var derived in (IEnumerable<Derived>)[.. Rollups, Allowance, .. Days])
        {
            await using var command = NewCommand(connection, derived.Differences, since);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                differences.Add(new SumDifference(derived.Table, reader.GetString(0), TextOrNull(reader, 1), TextOrNull(reader, 2)));
            }
        }

        return differences;
    }

    /// <summary>
    /// Makes every sum again: the roll-ups from the rows, while ingestion waits; then the allowances from the roll-ups and the open calls, while nobody waits. Hours whose rows were dropped stay as they are. The sums of days are made again by <see cref="UsageDays"/>.
    /// </summary>
    /// <returns>How many rows the tables of sums have of what was made again.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL is away, or has no ledger. Each of the two steps is done or not done.</exception>
    public async Task<int> RebuildAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        return await LostRaces.RetryAsync(() => RebuildRollupsAsync(connection, cancellationToken))
            + await LostRaces.RetryAsync(() => CorrectAllowancesAsync(connection, cancellationToken));
    }

    private static async Task<int> CorrectAllowancesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        await using (var alone = new NpgsqlCommand(OneAtATime, connection) { CommandTimeout = 0 })
        {
            await alone.ExecuteNonQueryAsync(cancellationToken);
        }

        await using var correct = NewCommand(connection, CorrectAllowances, await ReadSinceAsync(connection, cancellationToken));
        var made = (int)(await correct.ExecuteScalarAsync(cancellationToken))!;
        await transaction.CommitAsync(cancellationToken);
        return made;
    }

    private static async Task<int> RebuildRollupsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
        // Whoever writes one of these tables writes the others in the same statement: what is read after this is complete, and what comes later
        // is added to it.
        await using (var locked = new NpgsqlCommand(LockRollups, connection) { CommandTimeout = 0 })
        {
            await locked.ExecuteNonQueryAsync(cancellationToken);
        }

        var since = await ReadSinceAsync(connection, cancellationToken);
        var made = 0;
        foreach (var derived in Rollups)
        {
            await using var delete = NewCommand(connection, $"DELETE FROM ledger.{derived.Table} WHERE {derived.Within}", since);
            await delete.ExecuteNonQueryAsync(cancellationToken);
            await using var insert = NewCommand(
                connection,
                $"""
                INSERT INTO ledger.{derived.Table} ({derived.Keys}, {derived.Values})
                SELECT {derived.Keys}, {derived.Values} FROM ({derived.FromRows}) AS made WHERE {derived.Within} AND {derived.NotEmpty}
                """,
                since);
            made += await insert.ExecuteNonQueryAsync(cancellationToken);
        }

        await using (var touch = NewCommand(connection, DaySql.Touch(Touched), since))
        {
            await touch.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return made;
    }

    /// <summary>Drops whole months of rows that ended before a time. The sums of these months stay.</summary>
    /// <param name="before">Only months that ended before it are dropped.</param>
    /// <returns>The names of the partitions that were dropped.</returns>
    /// <exception cref="NpgsqlException">
    /// When PostgreSQL is away; <see cref="PostgresErrorCodes.LockNotAvailable"/> when somebody reads the ledger for longer than others should wait
    /// behind this (500 ms). Nothing was dropped.
    /// </exception>
    public async Task<IReadOnlyList<string>> DropMonthsAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await using var command = source.CreateCommand("SELECT ledger.drop_usage_partitions($1)");
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = before.ToUniversalTime() });
        return await command.ExecuteScalarAsync(cancellationToken) as string[] ?? [];
    }

    private static async Task<object> ReadSinceAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(KeptSince, connection);
        return (await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static NpgsqlCommand NewCommand(NpgsqlConnection connection, string sql, object since)
    {
        // Reading the whole ledger takes its time.
        var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.Add(new NpgsqlParameter { Value = since, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.TimestampTz });
        return command;
    }

    private static string? TextOrNull(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static string Allowances(string table, string time) => $"""
        SELECT org_id, month, coalesce(sum(used), 0)::bigint AS used_tokens, coalesce(sum(reserved), 0)::bigint AS reserved_tokens
        FROM (
            SELECT org_id, {RollupSql.MonthOf(time)} AS month, prompt_tokens + completion_tokens AS used, 0 AS reserved FROM {table} WHERE {time} >= $1
            UNION ALL
            SELECT org_id, {RollupSql.MonthOf("ledger.uuid_v7_time(id)")}, 0, reserved_prompt_tokens + reserved_completion_tokens FROM ledger.open_call
        ) AS parts
        GROUP BY org_id, month
        """;

    /// <summary>Of the days whose sums are up to date.</summary>
    private static Derived DaysOf(string table, string keys, string hours)
    {
        const string UpToDate = "(SELECT day FROM ledger.usage_day WHERE compacted_version = version)";
        return new Derived(
            table, $"day, {keys}", DaySql.Values, RollupSql.NotEmpty, $"day IN {UpToDate}",
            $"SELECT (hour AT TIME ZONE 'UTC')::date AS day, {keys}, {DaySql.TotalsOfHours} FROM ledger.{hours} WHERE $1 IS NOT NULL GROUP BY 1, {keys}",
            Kept: $"(SELECT (at AT TIME ZONE 'UTC')::date AS day, {keys}, {DaySql.Totals} FROM ledger.{table} GROUP BY 1, {keys}) AS days");
    }

    /// <param name="NotEmpty">A sum of nothing is as good as none.</param>
    /// <param name="Kept">The sums that there are, when they are not the table's rows themselves.</param>
    private sealed record Derived(
        string Table, string Keys, string Values, string NotEmpty, string Within, string FromRows, string? Kept = null)
    {
        public string Differences => $"""
            WITH kept AS (
                SELECT ROW({Keys})::text AS key, ROW({Values})::text AS sums FROM {Kept ?? $"ledger.{Table}"} WHERE {Within} AND {NotEmpty}
            ), made AS (
                SELECT ROW({Keys})::text AS key, ROW({Values})::text AS sums FROM ({FromRows}) AS rows WHERE {Within} AND {NotEmpty}
            )
            SELECT coalesce(kept.key, made.key), kept.sums, made.sums
            FROM kept FULL JOIN made ON kept.key = made.key
            WHERE kept.sums IS DISTINCT FROM made.sums
            ORDER BY 1
            """;
    }
}

/// <summary>A sum that is not what the rows add up to.</summary>
/// <param name="Table">The table of the sum.</param>
/// <param name="Key">Its key, as PostgreSQL writes a row.</param>
/// <param name="Kept">What stands there; null when there is no such row.</param>
/// <param name="FromRows">What the rows add up to; null when there are none.</param>
public sealed record SumDifference(string Table, string Key, string? Kept, string? FromRows);
