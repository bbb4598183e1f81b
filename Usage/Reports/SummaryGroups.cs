using System.Collections;
using Npgsql;

namespace LlmAspire.Usage;

/// <summary>Adds up what the statements of <see cref="SummarySql"/> give, and days that are remembered, at the prices of the report. Not thread-safe.</summary>
internal sealed class SummaryGroups
{
    /// <summary>A group is known by the numbers of its keys' values, put side by side: so many keys, of so many values, fit.</summary>
    private const int MostKeys = 3;
    private const int BitsOfKey = 21;

    private readonly IReadOnlyList<ReportKey> _groupBy;
    private readonly SummaryKey[] _keys;
    private readonly ReportPrices _prices;
    private readonly int _most;
    private readonly Dictionary<long, GroupSums> _groups = [];

    /// <param name="most">Groups, of at most 2 million.</param>
    public SummaryGroups(IReadOnlyList<ReportKey> groupBy, ReportPrices prices, int most)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(groupBy.Count, MostKeys);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(most, 1 << BitsOfKey);
        (_groupBy, _prices, _most) = (groupBy, prices, most);
        _keys = [.. groupBy.Select(SummaryKey.Of)];
    }

    /// <param name="isOfDays">Whether these are roll-ups of days.</param>
    /// <exception cref="ReportTooLargeException">There are more groups than there may be.</exception>
    public async Task AddAsync(NpgsqlCommand command, bool isOfDays, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var column = 0;
            var numbers = 0L;
            foreach (var key in _keys)
            {
                numbers = (numbers << BitsOfKey) | (uint)key.Read(reader, ref column);
            }

            if (Find(numbers) is not { } sums)
            {
                command.Cancel();
                throw new ReportTooLargeException(_most);
            }

            var bucket = reader.GetInt32(column++);
            var rates = _prices.Find(PriceNames.Provider(reader.GetString(column++)), reader.GetString(column++), bucket);
            var source = isOfDays ? null : reader.GetString(column++);
            long calls = reader.GetInt64(column++), empty = reader.GetInt64(column++);
            var tokens = ClassTokens.Read(reader, ref column);
            var estimated = isOfDays ? ClassTokens.Read(reader, ref column) : source == "estimated" ? tokens : default;
            var partial = isOfDays ? ClassTokens.Read(reader, ref column) : source == "partial" ? tokens : default;
            sums.Add(calls, empty, tokens, estimated, partial, rates);
        }
    }

    /// <exception cref="ReportTooLargeException">There are more groups than there may be.</exception>
    public void Add(IEnumerable<DayRow> rows)
    {
        foreach (var row in rows)
        {
            var numbers = 0L;
            foreach (var key in _keys)
            {
                numbers = (numbers << BitsOfKey) | (uint)key.Read(row);
            }

            var sums = Find(numbers) ?? throw new ReportTooLargeException(_most);
            var rates = _prices.Find(PriceNames.Provider(row.Provider), PriceNames.Model(row.ServedModel, row.Model), _prices.BucketOf(row.At));
            sums.Add(row.Calls, row.EmptyCalls, row.Tokens, row.Estimated, row.Partial, rates);
        }
    }

    public UsageSummary ToSummary(AsOf asOf, bool isFromRollups)
    {
        var totals = new GroupSums();
        List<long> places = [];
        List<GroupSums> groups = [];
        var ranks = Array.ConvertAll(_keys, key => key.Ranks());
        foreach (var (numbers, sums) in _groups)
        {
            if (sums.Calls != 0)
            {
                var place = 0L;
                for (var key = 0; key < ranks.Length; key++)
                {
                    place = (place << BitsOfKey) | (uint)ranks[key][NumberOf(numbers, key, ranks.Length)];
                }

                places.Add(place);
                groups.Add(sums);
                totals.Add(sums);
            }
        }

        var (sortedPlaces, sortedGroups) = (places.ToArray(), groups.ToArray());
        Array.Sort(sortedPlaces, sortedGroups);
        // Made when they are asked for, one after the other: there are many.
        return new UsageSummary(asOf, isFromRollups, new Groups(sortedPlaces, sortedGroups, Array.ConvertAll(_keys, InOrder), _prices), totals.ToReport(_prices))
        {
            Users = IdsOf(ReportKey.User),
            Organisations = IdsOf(ReportKey.Organisation),
        };
    }

    private static int NumberOf(long numbers, int key, int keys) => (int)(numbers >> (BitsOfKey * (keys - 1 - key))) & ((1 << BitsOfKey) - 1);

    private static string?[] InOrder(SummaryKey key) => [.. key.Values.Order().Select(value => value.Text)];

    /// <returns>Null when it would be one more than there may be.</returns>
    private GroupSums? Find(long numbers)
    {
        if (!_groups.TryGetValue(numbers, out var sums) && _groups.Count < _most)
        {
            _groups.Add(numbers, sums = new GroupSums());
        }

        return sums;
    }

    private List<Guid> IdsOf(ReportKey key) => [.. _keys.Where((_, index) => _groupBy[index] == key).SelectMany(ids => ids.Values).Select(value => value.Id!.Value)];

    private sealed class Groups(long[] places, GroupSums[] sums, string?[][] texts, ReportPrices prices) : IReadOnlyList<SummaryGroup>
    {
        public int Count => places.Length;

        public SummaryGroup this[int index]
        {
            get
            {
                var keys = new string?[texts.Length];
                for (var key = 0; key < keys.Length; key++)
                {
                    keys[key] = texts[key][NumberOf(places[index], key, keys.Length)];
                }

                return new SummaryGroup(keys, sums[index], prices);
            }
        }

        public IEnumerator<SummaryGroup> GetEnumerator()
        {
            for (var index = 0; index < Count; index++)
            {
                yield return this[index];
            }
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
