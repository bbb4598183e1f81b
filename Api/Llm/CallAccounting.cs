using LlmAspire.Api.Llm.Estimation;
using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Llm;

/// <summary>What every call needs to be opened, read and settled. Thread-safe.</summary>
internal sealed record CallAccounting(
    ICallOpener Opener,
    IUsageEventWriter Writer,
    IModelCatalog Catalog,
    UsageEstimator Estimator,
    ActiveCalls Active,
    CallMetrics Metrics,
    IOptions<GatewayOptions> Gateway,
    IOptions<AccountingOptions> Options,
    TimeProvider Time,
    ILogger<CallAccounting> Logger)
{
    /// <summary>The cap for a call that asks for none.</summary>
    public int OutputCap(string alias) => Math.Min(Gateway.Value.MaxOutputTokens, Catalog.FindModel(alias)?.MaxOutputTokens ?? int.MaxValue);
}
