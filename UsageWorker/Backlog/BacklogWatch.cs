using System.Diagnostics.Metrics;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Ingestion;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.UsageWorker.Backlog;

/// <summary>
/// Looks every few seconds at what waits, for the gauges. These report nothing before the first look, nor while PostgreSQL does not answer: the last
/// value would look like a present one.
/// </summary>
internal sealed class BacklogWatch : PeriodicLedgerWork
{
    private readonly NpgsqlDataSource _source;
    private readonly ILogger<BacklogWatch> _logger;
    private volatile LedgerBacklog? _last;

    public BacklogWatch(
        NpgsqlDataSource source,
        LedgerState ledger,
        IMeterFactory meters,
        TimeProvider time,
        IOptions<BacklogOptions> options,
        ILogger<BacklogWatch> logger)
        : base(ledger, time, options.Value.Interval)
    {
        (_source, _logger) = (source, logger);
        var meter = meters.Create(IngestionTelemetry.Name);
        meter.CreateObservableGauge("llmaspire.ledger.inbox.depth", () => Observe(last => last.InboxDepth), "{event}", "Events that are durable, but no rows yet");
        meter.CreateObservableGauge("llmaspire.ledger.inbox.lag", () => Observe(last => last.InboxLag.TotalSeconds), "s", "How long the oldest event has waited");
        meter.CreateObservableGauge("llmaspire.ledger.calls.open", () => Observe(last => last.OpenCalls), "{call}", "Calls that are not settled");
        meter.CreateObservableGauge("llmaspire.ledger.calls.oldest", () => Observe(last => last.OldestOpenCall.TotalSeconds), "s", "How long the oldest call has been open");
    }

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        try
        {
            _last = await LedgerBacklog.ReadAsync(_source, stoppingToken);
        }
        catch
        {
            _last = null;
            throw;
        }
    }

    protected override void Failed(Exception exception, TimeSpan wait) => _logger.BacklogNotRead(exception, wait);

    private IEnumerable<Measurement<T>> Observe<T>(Func<LedgerBacklog, T> value)
        where T : struct => _last is { } last ? [new Measurement<T>(value(last))] : [];
}
