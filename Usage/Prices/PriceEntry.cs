using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>What a class of tokens of a model costs from an hour on, until the next entry for it.</summary>
/// <param name="Provider">As in the ledger: <c>litellm_provider</c> of the gateway. <see cref="PriceNames.UnknownProvider"/> where the gateway does not tell.</param>
/// <param name="Model">The provider's own name of it, <c>served_model</c> in the ledger. The alias where the gateway does not tell.</param>
/// <param name="TokenClass">One of <see cref="TokenClasses.All"/>.</param>
/// <param name="EffectiveFrom">A whole hour, UTC.</param>
/// <param name="UsdPerMillion">USD for a million tokens; null when there is no price from then on.</param>
public sealed record PriceEntry(
    string Provider,
    string Model,
    string TokenClass,
    DateTimeOffset EffectiveFrom,
    [property: JsonConverter(typeof(ExactDecimalConverter))] decimal? UsdPerMillion);

/// <summary>An entry as it was saved.</summary>
/// <param name="Revision">The one that said it last.</param>
public sealed record SavedPrice(PriceEntry Entry, PriceSource Source, long Revision);
