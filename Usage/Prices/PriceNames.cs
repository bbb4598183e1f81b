namespace LlmAspire.Usage;

/// <summary>
/// Which price a row has: that of its provider and its served model. What the gateway did not tell is stood in for by <see cref="UnknownProvider"/> and by the
/// alias. In SQL <c>ledger.price_provider</c> and <c>ledger.price_model</c> say the same.
/// </summary>
public static class PriceNames
{
    /// <summary>The provider of prices for rows without a provider.</summary>
    public const string UnknownProvider = "unknown";

    /// <param name="provider">As in the roll-ups: empty when the gateway did not tell.</param>
    public static string Provider(string provider) => provider.Length == 0 ? UnknownProvider : provider;

    /// <param name="servedModel">As in the roll-ups: empty when the gateway did not tell.</param>
    public static string Model(string servedModel, string alias) => servedModel.Length == 0 ? alias : servedModel;
}
