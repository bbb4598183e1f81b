using LlmAspire.Web.Api;

namespace LlmAspire.Web.Reconciliation;

/// <summary>The Api's comparison of the ledger with others, for operators. Every failure but cancellation is an <see cref="ApiException"/>. Thread-safe.</summary>
public sealed class ReconciliationClient(ApiConnection api)
{
    /// <summary>Much is compared when an invoice is taken.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="to">The first day that is not in it, UTC.</param>
    /// <param name="source">Of <see cref="ReconciliationSource"/>.</param>
    public Task<ReconciliationReport> GetAsync(string from, string to, string source, CancellationToken cancellationToken = default) =>
        api.GetAsync<ReconciliationReport>(
            "/reconciliation" + QueryString.Create([KeyValuePair.Create<string, string?>("from", from), new("to", to), new("source", source)]), cancellationToken, Patience);

    public Task<IReadOnlyList<CallDifference>> GetDifferencesAsync(string day, string provider, string model, CancellationToken cancellationToken = default) =>
        api.GetAsync<IReadOnlyList<CallDifference>>(
            "/reconciliation/differences" + QueryString.Create([KeyValuePair.Create<string, string?>("day", day), new("provider", provider), new("model", model)]), cancellationToken, Patience);

    public Task<IReadOnlyList<InvoiceImport>> GetInvoicesAsync(CancellationToken cancellationToken = default) =>
        api.GetAsync<IReadOnlyList<InvoiceImport>>("/reconciliation/invoices", cancellationToken);

    /// <param name="csv">Columns day, provider, model, prompt_tokens, completion_tokens, cost_usd, and calls if known.</param>
    public async Task ImportInvoiceAsync(string name, string csv, CancellationToken cancellationToken = default)
    {
        using var response = await api.SendAsync(
            HttpMethod.Post, "/reconciliation/invoices" + QueryString.Create("name", name), new CsvText(csv), cancellationToken, Patience);
    }
}
