using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Rollups;

/// <summary>Adds up days that have ended, and again those that changed. Any number of workers may run.</summary>
internal sealed class RollupWorker(
    UsageDays days,
    LedgerState ledger,
    TimeProvider time,
    IOptions<RollupOptions> options,
    ILogger<RollupWorker> logger) : PeriodicLedgerWork(ledger, time, options.Value.Interval)
{
    private readonly TimeProvider _time = time;

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        var made = await days.CompactAsync(_time.GetUtcNow() - options.Value.Grace, stoppingToken);
        if (made > 0)
        {
            logger.DaysAddedUp(made);
        }
    }

    protected override void Failed(Exception exception, TimeSpan wait) => logger.RollupsInterrupted(exception, wait);
}
