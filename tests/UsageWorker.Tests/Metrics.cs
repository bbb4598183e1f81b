using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using LlmAspire.UsageWorker.Ingestion;

namespace LlmAspire.UsageWorker.Tests;

/// <summary>What the meters of workers report from now on.</summary>
internal sealed class Metrics : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, double> _sums = new();
    private readonly ConcurrentDictionary<string, double> _last = new();

    public Metrics(params WorkerHost[] hosts)
    {
        _listener.InstrumentPublished = (instrument, meters) =>
        {
            if (instrument.Meter.Name == IngestionTelemetry.Name && hosts.Any(host => host.Meters == instrument.Meter.Scope))
            {
                meters.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>The sum of an instrument's measurements, example <c>llmaspire.ledger.tokens class=prompt model=fast</c>.</summary>
    public double Sum(string instrument) => _sums.GetValueOrDefault(instrument);

    /// <summary>What a gauge reports now; null when it reports nothing.</summary>
    public double? Read(string gauge)
    {
        _last.TryRemove(gauge, out _);
        _listener.RecordObservableInstruments();
        return _last.TryGetValue(gauge, out var value) ? value : null;
    }

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var name = instrument.Name;
        foreach (var (key, tag) in tags)
        {
            name += $" {key}={tag}";
        }

        _sums.AddOrUpdate(name, value, (_, sum) => sum + value);
        _last[name] = value;
    }
}
