namespace LlmAspire.Web.Prices;

/// <summary>What a class of tokens of a model costs from an hour on.</summary>
/// <param name="EffectiveFrom">A whole hour, UTC.</param>
/// <param name="UsdPerMillion">Null when there is no price from then on.</param>
public sealed record PriceEntry(string Provider, string Model, string TokenClass, DateTimeOffset EffectiveFrom, decimal? UsdPerMillion);

/// <param name="Source"><c>manual</c>, <c>import</c> or <c>gateway</c>.</param>
public sealed record SavedPrice(PriceEntry Entry, string Source, long Revision);

/// <summary>A time in which a model's prices are the same. USD per million tokens; null where a class has none of its own.</summary>
/// <param name="ValidTo">The first hour after it; null while no end is known.</param>
public sealed record PricePeriod(
    string Provider,
    string Model,
    DateTimeOffset ValidFrom,
    DateTimeOffset? ValidTo,
    bool IsPriced,
    decimal? Input,
    decimal? Output,
    decimal? CachedInput,
    decimal? CacheWrite,
    decimal? Reasoning,
    decimal? AudioInput,
    decimal? AudioOutput)
{
    public decimal? this[string tokenClass] => tokenClass switch
    {
        "input" => Input,
        "output" => Output,
        "cached_input" => CachedInput,
        "cache_write" => CacheWrite,
        "reasoning" => Reasoning,
        "audio_input" => AudioInput,
        "audio_output" => AudioOutput,
        _ => null,
    };

    public bool Covers(DateTimeOffset time) => ValidFrom <= time && (ValidTo is not { } end || time < end);
}

/// <param name="Entries">What was said.</param>
/// <param name="Periods">What is in force.</param>
public sealed record PriceList(long Revision, IReadOnlyList<SavedPrice> Entries, IReadOnlyList<PricePeriod> Periods);

/// <summary>A revision, with what it said of a model.</summary>
public sealed record PriceRevision(long Id, DateTimeOffset CreatedAt, string Author, string Reason, string Source, IReadOnlyList<PriceEntry> Entries);

/// <summary>A model that was used and has no price.</summary>
/// <param name="Provider">Empty when the gateway did not tell.</param>
/// <param name="ServedModel">Empty when the gateway did not tell.</param>
/// <param name="PriceProvider">The provider of the price that is missing; "unknown" when the gateway did not tell.</param>
/// <param name="PriceModel">The model of the price that is missing; the alias when the gateway did not tell.</param>
public sealed record UnpricedUsage(
    string Provider,
    string ServedModel,
    string PriceProvider,
    string PriceModel,
    long Calls,
    long PromptTokens,
    long CompletionTokens,
    DateTimeOffset FirstHour,
    DateTimeOffset LastHour)
{
    /// <summary>Whether the gateway told both names.</summary>
    public bool IsNamed => Provider.Length > 0 && ServedModel.Length > 0;
}

/// <param name="ExpectedRevision">The newest that the author has seen.</param>
/// <param name="AcceptImplausible">What looks like a mistake is meant.</param>
public sealed record PriceChange(IReadOnlyList<PriceEntry> Changes, string? Reason, long ExpectedRevision, bool AcceptImplausible);

/// <summary>What looks like a mistake in an entry of a change.</summary>
/// <param name="Index">Of the entry.</param>
public sealed record PriceDoubt(int Index, string Message);

/// <summary>What a change would do to a model's calls of a month (UTC). An amount is null when it has more digits than can be told.</summary>
public sealed record PriceEffect(
    DateOnly Month,
    string Provider,
    string ServedModel,
    long Calls,
    decimal? OldCostUsd,
    decimal? NewCostUsd,
    long OldUnpricedCalls,
    long NewUnpricedCalls,
    decimal? DifferenceUsd);

/// <summary>What a change would do.</summary>
/// <param name="DifferenceUsd">Null when it has more digits than can be told.</param>
public sealed record PricePreview(long Revision, IReadOnlyList<PriceDoubt> Doubts, decimal? DifferenceUsd, IReadOnlyList<PriceEffect> Effects);

/// <summary>A file of prices, as they are exported.</summary>
public sealed record PriceFile(IReadOnlyList<PriceEntry?>? Changes);
