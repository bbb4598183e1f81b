using System.Globalization;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>The values of one key of a summary: the same few come again and again, and are numbered as they come. Not thread-safe.</summary>
internal abstract class SummaryKey
{
    private readonly List<Value> _values = [];

    public IReadOnlyList<Value> Values => _values;

    public static SummaryKey Of(ReportKey key) => key switch
    {
        ReportKey.Hour => new Typed<(DateTime Local, TimeSpan Offset)>(
            static (NpgsqlDataReader reader, ref int column) => (reader.GetDateTime(column++), reader.GetTimeSpan(column++)), null,
            static hour => OfHour(new DateTimeOffset(hour.Local, hour.Offset))),
        ReportKey.Day => NewDay(static row => row.At.Date),
        ReportKey.Week => NewDay(static row => row.At.Date.AddDays(-(((int)row.At.DayOfWeek + 6) % 7))),
        ReportKey.Month => NewDay(static row => row.At.Date.AddDays(1 - row.At.Day)),
        ReportKey.User => NewId(null),
        ReportKey.Organisation => NewId(static row => row.OrgId),
        ReportKey.Model => NewName(static row => row.Model),
        ReportKey.Provider => NewName(static row => row.Provider),
        ReportKey.ServedModel => NewName(static row => row.ServedModel),
        ReportKey.Operation or ReportKey.Outcome => NewName(null),
        _ => throw new ArgumentOutOfRangeException(nameof(key), key, "There is no such key."),
    };

    /// <summary>The number of the value that the reader is at.</summary>
    public abstract int Read(NpgsqlDataReader reader, ref int column);

    /// <summary>The number of the row's value: a time in UTC.</summary>
    /// <exception cref="InvalidOperationException">Days do not know this key.</exception>
    public abstract int Read(DayRow row);

    /// <summary>The place of each value, by its number, in their order.</summary>
    public int[] Ranks()
    {
        var ranks = new int[_values.Count];
        foreach (var (rank, number) in Enumerable.Range(0, ranks.Length).OrderBy(number => _values[number]).Index())
        {
            ranks[number] = rank;
        }

        return ranks;
    }

    private static Typed<DateTime> NewDay(Func<DayRow, DateTime> ofRow) => new(
        // Also of a part of a day.
        static (NpgsqlDataReader reader, ref int column) => reader.GetDateTime(column++).Date, ofRow,
        static day => new Value(day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), day.Ticks));

    private static Typed<Guid> NewId(Func<DayRow, Guid>? ofRow) => new(
        static (NpgsqlDataReader reader, ref int column) => reader.GetGuid(column++), ofRow, static id => new Value(id.ToString(), 0, id));

    private static Typed<string> NewName(Func<DayRow, string>? ofRow) => new(
        static (NpgsqlDataReader reader, ref int column) => reader.GetString(column++), ofRow, static name => new Value(name.Length > 0 ? name : null, 0));

    // Where clocks go back by a part of an hour, two of these begin at one moment: the one that began before, further from UTC, comes first.
    private static Value OfHour(DateTimeOffset hour) =>
        new(hour.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture), hour.UtcTicks - hour.TotalOffsetMinutes);

    /// <param name="Text">Null for what the gateway did not tell.</param>
    /// <param name="Time">Where it stands in time, whatever the text looks like; 0 for what is no time.</param>
    internal sealed record Value(string? Text, long Time, Guid? Id = null) : IComparable<Value>
    {
        public int CompareTo(Value? other) => Time != other!.Time ? Time.CompareTo(other.Time) : string.CompareOrdinal(Text, other.Text);
    }

    private delegate T Reading<T>(NpgsqlDataReader reader, ref int column);

    /// <param name="ofRow">Null when days do not know it.</param>
    private sealed class Typed<T>(Reading<T> read, Func<DayRow, T>? ofRow, Func<T, Value> describe) : SummaryKey
        where T : notnull
    {
        private readonly Dictionary<T, int> _numbers = [];

        public override int Read(NpgsqlDataReader reader, ref int column) => NumberOf(read(reader, ref column));

        public override int Read(DayRow row) => NumberOf(ofRow is null ? throw new InvalidOperationException("Days do not know this key.") : ofRow(row));

        private int NumberOf(T value)
        {
            if (!_numbers.TryGetValue(value, out var number))
            {
                _numbers.Add(value, number = _values.Count);
                _values.Add(describe(value));
            }

            return number;
        }
    }
}
