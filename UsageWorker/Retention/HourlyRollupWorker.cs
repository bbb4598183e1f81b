using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Retention;

/// <summary>Makes roll-ups by the day of those by the hour that are no longer kept. Any number of workers may run.</summary>
internal sealed class HourlyRollupWorker(
    HourFolding hours,
    LedgerState ledger,
    TimeProvider time,
    IOptions<RetentionOptions> options,
    ILogger<HourlyRollupWorker> logger) : PeriodicLedgerWork(ledger, time, options.Value.Interval)
{
    private readonly TimeProvider _time = time;

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        var kept = options.Value.HourlyRollups;
        var folded = await hours.FoldAsync(_time.GetUtcNow() - kept, stoppingToken);
        if (folded > 0)
        {
            logger.HoursFolded(folded, kept.TotalDays);
        }
    }

    protected override void Failed(Exception exception, TimeSpan wait) => logger.HoursNotFolded(exception, wait);
}
