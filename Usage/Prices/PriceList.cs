namespace LlmAspire.Usage;

/// <summary>The prices as of a revision.</summary>
/// <param name="Revision">0 when there is none yet.</param>
/// <param name="Entries">What was said and not said again since, of both layers.</param>
/// <param name="Periods">What is in force, by model and time.</param>
public sealed record PriceList(long Revision, IReadOnlyList<SavedPrice> Entries, IReadOnlyList<PricePeriod> Periods);

/// <summary>A time in which a model's prices are the same. USD per million tokens; a class without one of its own costs what its side costs.</summary>
/// <param name="ValidTo">The first hour after it; null while no end is known.</param>
/// <param name="IsPriced">Whether there are both an input and an output price: otherwise the model is unpriced.</param>
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
    decimal? AudioOutput);

/// <summary>One revision, with what it said of a model.</summary>
public sealed record PriceRevision(long Id, DateTimeOffset CreatedAt, string Author, string Reason, PriceSource Source, IReadOnlyList<PriceEntry> Entries);

/// <summary>What was used and has no price.</summary>
/// <param name="Provider">Empty when the gateway did not tell.</param>
/// <param name="ServedModel">Empty when the gateway did not tell.</param>
/// <param name="PriceProvider">The provider of the price that is missing: <see cref="PriceNames.UnknownProvider"/> when the gateway did not tell.</param>
/// <param name="PriceModel">The model of the price that is missing: the alias when the gateway did not tell.</param>
public sealed record UnpricedUsage(
    string Provider,
    string ServedModel,
    string PriceProvider,
    string PriceModel,
    long Calls,
    long PromptTokens,
    long CompletionTokens,
    DateTimeOffset FirstHour,
    DateTimeOffset LastHour);
