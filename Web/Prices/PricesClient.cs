using LlmAspire.Web.Api;

namespace LlmAspire.Web.Prices;

/// <summary>The Api's price registry, for operators. Every failure but cancellation is an <see cref="ApiException"/>. Thread-safe.</summary>
public sealed class PricesClient(ApiConnection api)
{
    /// <summary>A preview reads all that was ever used of a model.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public Task<PriceList> GetAsync(CancellationToken cancellationToken = default) => api.GetAsync<PriceList>("/prices", cancellationToken);

    /// <returns>The newest first.</returns>
    public Task<IReadOnlyList<PriceRevision>> GetHistoryAsync(string provider, string model, CancellationToken cancellationToken = default) =>
        api.GetAsync<IReadOnlyList<PriceRevision>>(
            "/prices/history" + QueryString.Create([KeyValuePair.Create<string, string?>("provider", provider), new("model", model)]), cancellationToken);

    /// <returns>Of the last 30 days.</returns>
    public Task<IReadOnlyList<UnpricedUsage>> GetUnpricedAsync(CancellationToken cancellationToken = default) =>
        api.GetAsync<IReadOnlyList<UnpricedUsage>>("/prices/unpriced", cancellationToken, Patience);

    /// <summary>Saves nothing.</summary>
    public Task<PricePreview> PreviewAsync(PriceChange change, CancellationToken cancellationToken = default) =>
        api.PostAsync<PricePreview>("/prices/preview", change, cancellationToken, Patience);

    /// <param name="imported">Whether it comes from a file.</param>
    public async Task SaveAsync(PriceChange change, bool imported, CancellationToken cancellationToken = default)
    {
        using var response = imported
            ? await api.SendAsync(HttpMethod.Post, "/prices/import", change, cancellationToken)
            : await api.SendAsync(HttpMethod.Put, "/prices", change, cancellationToken);
    }
}
