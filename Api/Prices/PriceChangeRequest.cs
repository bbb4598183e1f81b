using LlmAspire.Usage;

namespace LlmAspire.Api.Prices;

/// <summary>A change of prices, to be saved, imported or previewed.</summary>
/// <param name="Changes">What is to be said; nothing that is not named changes.</param>
/// <param name="Reason">Kept with the revision.</param>
/// <param name="ExpectedRevision">The newest that the author has seen; missing when it does not matter.</param>
/// <param name="AcceptImplausible">What looks like a mistake is meant.</param>
internal sealed record PriceChangeRequest(
    IReadOnlyList<PriceEntry?>? Changes, string? Reason = null, long? ExpectedRevision = null, bool AcceptImplausible = false);
