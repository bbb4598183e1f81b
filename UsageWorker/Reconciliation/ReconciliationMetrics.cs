using System.Diagnostics.Metrics;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Ingestion;

namespace LlmAspire.UsageWorker.Reconciliation;

/// <summary>What differs between the ledger and the gateway's logs, or providers' invoices, within the days that are looked at. Nothing is reported before the first look.</summary>
internal sealed class ReconciliationMetrics
{
    private volatile ReconciliationTotals? _gateway;
    private volatile ReconciliationTotals? _invoices;

    public ReconciliationMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(IngestionTelemetry.Name);
        meter.CreateObservableGauge(
            "llmaspire.reconciliation.drift", () => Observe(model => model.Tokens), "{token}", "Tokens that differ from the gateway's, call by call, or from invoices, line by line, by provider and model");
        meter.CreateObservableGauge(
            "llmaspire.reconciliation.drift.share", () => Observe(model => model.Share), "1", "Their share of all tokens that were compared, by provider and model");
        meter.CreateObservableGauge(
            "llmaspire.reconciliation.days", () => Looks().Select(look => new Measurement<long>(look.Totals.DaysAboveThreshold, new KeyValuePair<string, object?>("source", look.Source))), "{day}",
            "Days of which a model is above the threshold");
    }

    public void SetGateway(ReconciliationTotals totals) => _gateway = totals;

    public void SetInvoices(ReconciliationTotals totals) => _invoices = totals;

    private IEnumerable<Measurement<T>> Observe<T>(Func<ModelDrift, T> value)
        where T : struct =>
        Looks().SelectMany(look => look.Totals.Models.Select(
            model => new Measurement<T>(value(model), new("source", look.Source), new("provider", model.Provider), new("model", model.Model))));

    private IEnumerable<(string Source, ReconciliationTotals Totals)> Looks()
    {
        if (_gateway is { } gateway)
        {
            yield return ("gateway", gateway);
        }

        if (_invoices is { } invoices)
        {
            yield return ("invoice", invoices);
        }
    }
}
