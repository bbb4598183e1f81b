using System.Diagnostics.Metrics;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Ingestion;

namespace LlmAspire.UsageWorker.Reconciliation;

/// <summary>What differs between the ledger and the gateway's logs, within the days that are looked at. Nothing is reported before the first look.</summary>
internal sealed class ReconciliationMetrics
{
    private volatile ReconciliationTotals? _last;

    public ReconciliationMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(IngestionTelemetry.Name);
        meter.CreateObservableGauge(
            "llmaspire.reconciliation.drift", () => Observe(model => model.Tokens), "{token}", "Tokens that differ from the gateway's, call by call, by provider and model");
        meter.CreateObservableGauge(
            "llmaspire.reconciliation.drift.share", () => Observe(model => model.Share), "1", "Their share of all tokens that were compared, by provider and model");
        meter.CreateObservableGauge(
            "llmaspire.reconciliation.days", () => _last is { } last ? [new Measurement<long>(last.DaysAboveThreshold)] : Enumerable.Empty<Measurement<long>>(), "{day}",
            "Days of which a model is above the threshold");
    }

    public void Set(ReconciliationTotals totals) => _last = totals;

    private IEnumerable<Measurement<T>> Observe<T>(Func<ModelDrift, T> value)
        where T : struct =>
        _last?.Models.Select(model => new Measurement<T>(value(model), new("provider", model.Provider), new("model", model.Model))) ?? [];
}
