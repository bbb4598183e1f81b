using LlmAspire.Usage;

namespace LlmAspire.Api.Prices;

/// <param name="Revision">The newest: a new one, or the last when nothing was new.</param>
internal sealed record PricesSavedResponse(long Revision);

/// <summary>What people said, in the form that <c>POST /prices/import</c> takes. The gateway's prices come from the gateway.</summary>
/// <param name="ExportedRevision">The newest revision when it was exported.</param>
internal sealed record PricesExport(long ExportedRevision, IEnumerable<PriceEntry> Changes);

/// <param name="Revision">The revision that the change would come after.</param>
/// <param name="Doubts">What looks like a mistake: saving needs <c>acceptImplausible</c>.</param>
/// <param name="DifferenceUsd">Of all effects together. Null, as the amounts of an effect, when it has more digits than can be told: some price has a wrong unit.</param>
internal sealed record PricePreviewResponse(
    long Revision, IReadOnlyList<PriceProblem> Doubts, decimal? DifferenceUsd, IReadOnlyList<PriceEffect> Effects);
