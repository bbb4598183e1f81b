using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Sums of the ledger with their cost: from roll-ups of days where they have what is asked for, from roll-ups of hours for the rest, or from rows. PostgreSQL adds up tokens; what they cost is
/// worked out from these sums, for the cost is linear in them. Days of everybody are remembered and added up here. Safe to call concurrently.
/// </summary>
public sealed class UsageReports([FromKeyedServices(ConnectionPool.Reading)] NpgsqlDataSource source, Pins pins) : IDisposable
{
    /// <summary>Groups of a summary.</summary>
    public const int MostGroups = 100_000;

    private readonly DayMemory _memory = new();

    /// <param name="groupBy">At most one of the times.</param>
    /// <exception cref="ReportTooLargeException">More than <see cref="MostGroups"/>.</exception>
    /// <exception cref="HoursFoldedException">Hours are asked for of days whose roll-ups are by the day.</exception>
    /// <exception cref="PinUnknownException">The query's pin is not one of the past.</exception>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public async Task<UsageSummary> SummariseAsync(ReportQuery query, IReadOnlyList<ReportKey> groupBy, CancellationToken cancellationToken)
    {
        var asOf = await pins.CheckAsync(query.AsOf, cancellationToken);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginReportAsync(cancellationToken);
        var prices = await ReadPricesAsync(connection, query, asOf, cancellationToken);
        var groups = new SummaryGroups(groupBy, prices, MostGroups);
        var sql = new SummarySql(query, groupBy, prices.Changes);
        if (!query.FitsRollups)
        {
            await AddAsync(sql.OfRows(asOf), isOfDays: false);
            return groups.ToSummary(asOf, isFromRollups: false);
        }

        await FoldedHours.CheckAsync(connection, query, groupBy, cancellationToken);
        var compacted = sql.FitsDays ? await ReadDaysAsync(connection, query, cancellationToken) : [];
        var days = compacted.ConvertAll(day => day.Date);
        if (sql.FitsMemory && await _memory.FindAsync(connection, compacted, cancellationToken) is { } remembered)
        {
            groups.Add(remembered.SelectMany(rows => rows));
        }
        else if (days.Count > 0)
        {
            await AddAsync(sql.OfDays(days), isOfDays: true);
        }

        if (sql.OfHours(days) is { } hours)
        {
            await AddAsync(hours, isOfDays: false);
        }

        return groups.ToSummary(asOf, isFromRollups: true);

        async Task AddAsync(NpgsqlCommand statement, bool isOfDays)
        {
            await using var command = statement;
            command.Connection = connection;
            await groups.AddAsync(command, isOfDays, cancellationToken);
        }
    }

    public void Dispose() => _memory.Dispose();

    private static async Task<ReportPrices> ReadPricesAsync(NpgsqlConnection connection, ReportQuery query, AsOf asOf, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT * FROM ledger.price_periods($1) WHERE valid_to > $2 AND valid_from < $3", connection);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = asOf.PriceRevision });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = query.From.ToUniversalTime() });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = query.To.ToUniversalTime() });
        return new ReportPrices(await PriceSql.ReadPeriodsAsync(command, cancellationToken), query.From, query.To);
    }

    /// <summary>The whole days (UTC) of the query that have roll-ups of their own, in order.</summary>
    private static async Task<List<CompactedDay>> ReadDaysAsync(NpgsqlConnection connection, ReportQuery query, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"""
            SELECT day, compacted_version, price_revision FROM ledger.usage_day
            WHERE day::timestamp AT TIME ZONE 'UTC' >= $1 AND (day + 1)::timestamp AT TIME ZONE 'UTC' <= $2 AND {DaySql.IsCompacted}
            ORDER BY day
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = query.From.ToUniversalTime() });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = query.To.ToUniversalTime() });
        List<CompactedDay> days = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            days.Add(new CompactedDay(await reader.GetFieldValueAsync<DateOnly>(0, cancellationToken), reader.GetInt64(1), reader.GetInt64(2)));
        }

        return days;
    }
}
