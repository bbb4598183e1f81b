using System.Collections;
using System.Globalization;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Adds up what the statements of <see cref="SummarySql"/> give, at the prices of the report. Not thread-safe.</summary>
internal sealed class SummaryGroups(IReadOnlyList<ReportKey> groupBy, ReportPrices prices, int most)
{
    private readonly Dictionary<Key[], Sums> _groups = new(new SameKeys());
    private readonly Dictionary<DateTime, string> _days = [];
    private readonly Dictionary<Guid, string> _ids = [];
    private readonly Dictionary<string, string> _names = [];

    /// <param name="isOfDays">Whether these are roll-ups of days.</param>
    /// <exception cref="ReportTooLargeException">There are more groups than there may be.</exception>
    public async Task AddAsync(NpgsqlCommand command, bool isOfDays, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var column = 0;
            var keys = new Key[groupBy.Count];
            for (var index = 0; index < keys.Length; index++)
            {
                keys[index] = ReadKey(reader, groupBy[index], ref column);
            }

            var sums = Find(keys);
            if (_groups.Count > most)
            {
                command.Cancel();
                throw new ReportTooLargeException(most);
            }

            var bucket = reader.GetInt32(column++);
            var rates = prices.Find(reader.GetString(column++), reader.GetString(column++), bucket);
            var source = isOfDays ? null : reader.GetString(column++);
            long calls = reader.GetInt64(column++), empty = reader.GetInt64(column++);
            var tokens = ReadTokens(reader, ref column);
            var estimated = isOfDays ? ReadTokens(reader, ref column) : source == "estimated" ? tokens : default;
            var partial = isOfDays ? ReadTokens(reader, ref column) : source == "partial" ? tokens : default;
            sums.Add(calls, empty, tokens, estimated, partial, rates);
        }
    }

    public UsageSummary ToSummary(AsOf asOf, bool isFromRollups)
    {
        var totals = new Sums();
        var groups = _groups.Where(group => group.Value.Calls != 0).ToArray();
        Array.Sort(groups, (one, other) => Compare(one.Key, other.Key));
        foreach (var group in groups)
        {
            totals.Add(group.Value);
        }

        // Made when they are asked for, one after the other: there are many.
        return new UsageSummary(asOf, isFromRollups, new Groups(groups, prices), totals.ToReport(prices));
    }

    private static ClassTokens ReadTokens(NpgsqlDataReader reader, ref int column) => new(
        reader.GetInt64(column++), reader.GetInt64(column++), reader.GetInt64(column++), reader.GetInt64(column++), reader.GetInt64(column++),
        reader.GetInt64(column++), reader.GetInt64(column++));

    private static int Compare(Key[] one, Key[] other)
    {
        for (var index = 0; index < one.Length; index++)
        {
            var compared = one[index].Time.CompareTo(other[index].Time);
            compared = compared != 0 ? compared : string.CompareOrdinal(one[index].Text, other[index].Text);
            if (compared != 0)
            {
                return compared;
            }
        }

        return 0;
    }

    private Sums Find(Key[] keys)
    {
        if (!_groups.TryGetValue(keys, out var sums))
        {
            _groups.Add(keys, sums = new Sums());
        }

        return sums;
    }

    private Key ReadKey(NpgsqlDataReader reader, ReportKey key, ref int column)
    {
        switch (key)
        {
            case ReportKey.Hour:
                var hour = new DateTimeOffset(reader.GetDateTime(column++), reader.GetTimeSpan(column++));
                // Where clocks go back by a part of an hour, two of these begin at one moment: the one that began before, further from UTC, comes first.
                return new Key(hour.ToString("yyyy-MM-dd'T'HH:mm:sszzz", CultureInfo.InvariantCulture), hour.UtcTicks - hour.TotalOffsetMinutes);
            case ReportKey.Day or ReportKey.Week or ReportKey.Month:
                // Also of a part of a day.
                var day = reader.GetDateTime(column++).Date;
                return new Key(Known(_days, day, static day => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)), day.Ticks);
            case ReportKey.User or ReportKey.Organisation:
                return new Key(Known(_ids, reader.GetGuid(column++), static id => id.ToString()), 0);
            default:
                return new Key(reader.GetString(column++) is { Length: > 0 } name ? Known(_names, name, static name => name) : null, 0);
        }
    }

    /// <summary>The same few come again and again.</summary>
    private static string Known<T>(Dictionary<T, string> texts, T value, Func<T, string> write)
        where T : notnull
    {
        if (!texts.TryGetValue(value, out var text))
        {
            texts.Add(value, text = write(value));
        }

        return text;
    }

    /// <param name="Text">Null for what the gateway did not tell.</param>
    /// <param name="Time">Where it stands in time, whatever the text looks like; 0 for what is no time.</param>
    private readonly record struct Key(string? Text, long Time);

    private sealed class SameKeys : IEqualityComparer<Key[]>
    {
        public bool Equals(Key[]? one, Key[]? other) => one.AsSpan().SequenceEqual(other);

        public int GetHashCode(Key[] keys)
        {
            var hash = default(HashCode);
            foreach (var key in keys)
            {
                hash.Add(key);
            }

            return hash.ToHashCode();
        }
    }

    private sealed class Groups(KeyValuePair<Key[], Sums>[] groups, ReportPrices prices) : IReadOnlyList<SummaryGroup>
    {
        public int Count => groups.Length;

        public SummaryGroup this[int index] => new(Array.ConvertAll(groups[index].Key, key => key.Text), () => groups[index].Value.ToReport(prices));

        public IEnumerator<SummaryGroup> GetEnumerator()
        {
            for (var index = 0; index < Count; index++)
            {
                yield return this[index];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class Sums
    {
        private long _empty;
        private ClassTokens _tokens;
        private long _estimatedTokens;
        private long _partialTokens;
        private Int128 _cost;
        private Int128 _estimatedCost;
        private Int128 _partialCost;
        private long _unpricedCalls;
        private long _unpricedTokens;

        public long Calls { get; private set; }

        /// <param name="rates">Null when they have no price.</param>
        public void Add(long calls, long empty, ClassTokens tokens, ClassTokens estimated, ClassTokens partial, TokenRates? rates)
        {
            Calls += calls;
            _empty += empty;
            _tokens += tokens;
            _estimatedTokens += estimated.Total;
            _partialTokens += partial.Total;
            if (rates is { } priced)
            {
                _cost += priced.CostOf(tokens);
                _estimatedCost += priced.CostOf(estimated);
                _partialCost += priced.CostOf(partial);
            }
            else
            {
                _unpricedCalls += calls - empty;
                _unpricedTokens += tokens.Total;
            }
        }

        public void Add(Sums other)
        {
            Calls += other.Calls;
            _empty += other._empty;
            _tokens += other._tokens;
            _estimatedTokens += other._estimatedTokens;
            _partialTokens += other._partialTokens;
            _cost += other._cost;
            _estimatedCost += other._estimatedCost;
            _partialCost += other._partialCost;
            _unpricedCalls += other._unpricedCalls;
            _unpricedTokens += other._unpricedTokens;
        }

        public ReportSums ToReport(ReportPrices prices) => new(
            Calls, _empty, _tokens.Prompt, _tokens.Completion, _tokens.CachedPrompt, _tokens.CacheWrite, _tokens.Reasoning, _tokens.AudioPrompt,
            _tokens.AudioCompletion, _estimatedTokens, _partialTokens, prices.ToUsd(_cost), prices.ToUsd(_estimatedCost), prices.ToUsd(_partialCost), _unpricedCalls,
            _unpricedTokens);
    }
}
