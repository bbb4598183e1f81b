using LlmAspire.Api.Prices;
using LlmAspire.Api.Reconciliation;

namespace LlmAspire.Api.Ledger;

/// <summary>What operators see of the ledger and do with it.</summary>
internal static class LedgerApi
{
    public static IEndpointRouteBuilder MapLedgerApi(this IEndpointRouteBuilder app) => app.MapPricesApi().MapReconciliationApi();
}
