namespace LlmAspire.Usage;

/// <summary>
/// The prices of a time, for many sums of tokens: in whole numbers, so that costs are exact and quickly added up. The unit is the largest power of ten, in USD, that all of these prices are
/// multiples of, a token. Not thread-safe.
/// </summary>
internal sealed class ReportPrices
{
    /// <summary>Prices are by the million.</summary>
    private const int DecimalsOfAMillion = 6;

    private readonly ILookup<(string Provider, string Model), PricePeriod> _periods;
    private readonly Dictionary<(string Provider, string Model, int Bucket), TokenRates?> _rates = [];
    private readonly DateTimeOffset _start;
    private readonly int _decimals;
    private readonly decimal _unitsPerUsd;

    /// <param name="periods">Of the time from <paramref name="from"/> to <paramref name="to"/>, and of others.</param>
    public ReportPrices(IReadOnlyList<PricePeriod> periods, DateTimeOffset from, DateTimeOffset to)
    {
        _periods = periods.Where(period => period.IsPriced).ToLookup(period => (period.Provider, period.Model));
        _start = from;
        Changes = [.. periods.Select(period => period.ValidFrom.UtcDateTime).Where(change => change > from.UtcDateTime && change < to.UtcDateTime).Distinct().Order()];
        _decimals = periods.SelectMany(Prices).Select(price => (int)price.Scale).DefaultIfEmpty().Max();
        _unitsPerUsd = (decimal)Math.Pow(10, _decimals);
    }

    /// <summary>The times, in order, at which any price changes. Between two of them, or before the first, in bucket 0, each model has one price.</summary>
    public DateTime[] Changes { get; }

    /// <summary>The bucket of a time (UTC), as <c>width_bucket</c> has it: how many changes were before it or are at it.</summary>
    public int BucketOf(DateTime at)
    {
        var place = Array.BinarySearch(Changes, at);
        return place < 0 ? ~place : place + 1;
    }

    /// <param name="provider">As <see cref="PriceNames"/> says.</param>
    /// <param name="model">As <see cref="PriceNames"/> says.</param>
    /// <param name="bucket">How many changes were before.</param>
    /// <returns>Null when the model is unpriced.</returns>
    public TokenRates? Find(string provider, string model, int bucket)
    {
        if (!_rates.TryGetValue((provider, model, bucket), out var rates))
        {
            var at = bucket == 0 ? _start : new DateTimeOffset(Changes[bucket - 1], TimeSpan.Zero);
            rates = _periods[(provider, model)].Where(period => period.ValidFrom <= at && (period.ValidTo is not { } end || at < end)).Select(Rates)
                .Cast<TokenRates?>().SingleOrDefault();
            _rates.Add((provider, model, bucket), rates);
        }

        return rates;
    }

    /// <summary>To the last digit, without zeros at its end.</summary>
    /// <exception cref="OverflowException">A decimal has not that many digits.</exception>
    public decimal ToUsd(Int128 units)
    {
        var decimals = _decimals + DecimalsOfAMillion;
        for (; decimals > 0 && units > ulong.MaxValue && units % 10 == 0; decimals--)
        {
            units /= 10;
        }

        if (units > ulong.MaxValue)
        {
            // Whole, it must fit; then only the point is set.
            var bits = decimal.GetBits((decimal)units);
            return new decimal(bits[0], bits[1], bits[2], isNegative: false, (byte)decimals);
        }

        var few = (ulong)units;
        for (; decimals > 0 && few % 10 == 0; decimals--)
        {
            few /= 10;
        }

        return new decimal((int)few, (int)(few >> 32), 0, isNegative: false, (byte)decimals);
    }

    private TokenRates Rates(PricePeriod period)
    {
        long input = Units(period.Input!.Value), output = Units(period.Output!.Value);
        return new TokenRates(
            input, output, Units(period.CachedInput) ?? input, Units(period.CacheWrite) ?? input, Units(period.Reasoning) ?? output, Units(period.AudioInput) ?? input,
            Units(period.AudioOutput) ?? output);
    }

    private long Units(decimal price) => (long)(price * _unitsPerUsd);

    private long? Units(decimal? price) => price is { } some ? Units(some) : null;

    private static IEnumerable<decimal> Prices(PricePeriod period) => new[]
    {
        period.Input, period.Output, period.CachedInput, period.CacheWrite, period.Reasoning, period.AudioInput, period.AudioOutput,
    }.OfType<decimal>();
}
