using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmAspire.Usage;

namespace LlmAspire.Api.Llm.Concurrency;

/// <summary>The metrics of <see cref="ParallelRunner"/>, by model and operation. Organisations are in none: there may be any number of them.</summary>
internal sealed class ParallelMetrics
{
    private readonly UpDownCounter<long> _queued;
    private readonly UpDownCounter<long> _running;
    private readonly Histogram<double> _waited;
    private readonly Counter<long> _ended;

    public ParallelMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(CallMetrics.MeterName);
        _queued = meter.CreateUpDownCounter<long>("llmaspire.parallel.queued", "{item}", "Items that wait for a place");
        _running = meter.CreateUpDownCounter<long>("llmaspire.parallel.running", "{item}", "Items that run");
        _waited = meter.CreateHistogram<double>("llmaspire.parallel.waited", "s", "How long items waited for their place");
        _ended = meter.CreateCounter<long>("llmaspire.parallel.ended", "{item}", "Items that ended, by outcome");
    }

    /// <summary>An item waits from now on; no longer when the result is disposed.</summary>
    public Item Begin(string? model, UsageOperation operation) => new(this, new TagList
    {
        { "model", model ?? "none" },
        { "operation", operation.ToString().ToLowerInvariant() },
    });

    /// <summary>For one flow of control.</summary>
    public sealed class Item : IDisposable
    {
        private readonly ParallelMetrics _metrics;
        private readonly TagList _tags;
        private bool _runs;

        public Item(ParallelMetrics metrics, TagList tags)
        {
            (_metrics, _tags) = (metrics, tags);
            metrics._queued.Add(1, tags);
        }

        public void Started(TimeSpan waited)
        {
            _runs = true;
            _metrics._queued.Add(-1, _tags);
            _metrics._running.Add(1, _tags);
            _metrics._waited.Record(waited.TotalSeconds, _tags);
        }

        public void Ended(ParallelOutcome outcome)
        {
            var tags = _tags;
            tags.Add("outcome", outcome.ToString().ToLowerInvariant());
            _metrics._ended.Add(1, tags);
        }

        public void Dispose() => (_runs ? _metrics._running : _metrics._queued).Add(-1, _tags);
    }
}
