using LlmAspire.Usage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.UsageWorker.Retention;

/// <summary>Drops the partitions of months that are no longer kept. Any number of workers may run.</summary>
internal sealed class RetentionWorker(
    UsageSums sums,
    LedgerState ledger,
    TimeProvider time,
    IOptions<RetentionOptions> options,
    ILogger<RetentionWorker> logger) : PeriodicLedgerWork(ledger, time, options.Value.Interval)
{
    private readonly TimeProvider _time = time;

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        if (options.Value.Months is not { } months)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken);
            return;
        }

        try
        {
            var dropped = await sums.DropMonthsAsync(_time.GetUtcNow().AddMonths(-months), stoppingToken);
            if (dropped.Count > 0)
            {
                logger.PartitionsDropped(string.Join(", ", dropped), months);
            }
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            // Somebody reads for long. Each attempt lets others wait: the next one comes with the next look, not at once.
            logger.PartitionsInUse();
        }
    }

    protected override void Failed(Exception exception, TimeSpan wait) => logger.RetentionInterrupted(exception, wait);
}
