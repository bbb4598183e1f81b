using System.Diagnostics.Metrics;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Ingestion;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Sweeping;

/// <summary>Sweeps every few seconds. Any number of workers may run.</summary>
internal sealed class SweepWorker(
    CallSweep sweep,
    LedgerState ledger,
    IMeterFactory meters,
    TimeProvider time,
    IOptions<SweeperOptions> options,
    ILogger<SweepWorker> logger) : PeriodicLedgerWork(ledger, time, options.Value.Interval)
{
    private readonly Counter<long> _swept = meters.Create(IngestionTelemetry.Name)
        .CreateCounter<long>("llmaspire.ledger.swept", "{call}", "Open calls that were given up and became interrupted rows");

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        var swept = await sweep.SweepAsync(options.Value.Grace, stoppingToken);
        if (swept.Count > 0)
        {
            _swept.Add(swept.Count);
            logger.Swept(swept.Count, swept[0], swept[^1]);
        }
    }

    protected override void Failed(Exception exception, TimeSpan wait) => logger.SweepInterrupted(exception, wait);
}
