using Microsoft.Extensions.Caching.Memory;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// Remembers the roll-ups of days of everybody. They are those of the day's version and revision of prices, whenever they are read: who knows these two from a snapshot has its rows. Safe to
/// use concurrently.
/// </summary>
internal sealed class DayMemory : IDisposable
{
    /// <summary>Of all days that are remembered, and of those that a report adds up from here: about 25 MB.</summary>
    public const int MostRows = 100_000;

    private static readonly TimeSpan Unused = TimeSpan.FromMinutes(10);

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = MostRows });

    /// <summary>The rows of these days; what is not remembered is read. Days that there is no room for are read each time.</summary>
    /// <param name="connection">In the snapshot that the days are of.</param>
    /// <returns>Null when they are more than <see cref="MostRows"/>: PostgreSQL adds those up faster than it sends them.</returns>
    /// <exception cref="NpgsqlException">When PostgreSQL goes away.</exception>
    public async Task<IReadOnlyList<DayRow[]>?> FindAsync(NpgsqlConnection connection, IReadOnlyList<CompactedDay> days, CancellationToken cancellationToken)
    {
        List<DayRow[]> found = [];
        List<CompactedDay> missing = [];
        foreach (var day in days)
        {
            if (_cache.TryGetValue(day, out DayRow[]? rows))
            {
                found.Add(rows!);
            }
            else
            {
                missing.Add(day);
            }
        }

        var room = MostRows - found.Sum(rows => rows.Length);
        if (room < 0 || (missing.Count > 0 && await CountAsync(connection, missing, room, cancellationToken) > room))
        {
            return null;
        }

        if (missing.Count > 0)
        {
            var read = await ReadAsync(connection, missing, cancellationToken);
            foreach (var day in missing)
            {
                DayRow[] rows = [.. read[day.Date]];
                _cache.Set(day, rows, new MemoryCacheEntryOptions { Size = Math.Max(1, rows.Length), SlidingExpiration = Unused });
                found.Add(rows);
            }
        }

        return found;
    }

    public void Dispose() => _cache.Dispose();

    /// <returns>At most one more than there is room for.</returns>
    private static async Task<long> CountAsync(NpgsqlConnection connection, List<CompactedDay> days, int room, CancellationToken cancellationToken)
    {
        await using var command = SummarySql.CountOfDays(Dates(days), room + 1);
        command.Connection = connection;
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task<ILookup<DateOnly, DayRow>> ReadAsync(NpgsqlConnection connection, List<CompactedDay> days, CancellationToken cancellationToken)
    {
        await using var command = SummarySql.RowsOfDays(Dates(days));
        command.Connection = connection;
        List<DayRow> rows = [];
        Dictionary<string, string> names = [];
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(DayRow.Read(reader, names));
        }

        return rows.ToLookup(row => DateOnly.FromDateTime(row.At));
    }

    private static List<DateOnly> Dates(List<CompactedDay> days) => days.ConvertAll(day => day.Date);
}

/// <summary>A day (UTC) that has roll-ups of its own. Any change of them gives it another version or another revision.</summary>
/// <param name="PriceRevision">That it was split at.</param>
internal sealed record CompactedDay(DateOnly Date, long Version, long PriceRevision);
