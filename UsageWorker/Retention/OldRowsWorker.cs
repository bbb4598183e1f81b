using LlmAspire.Usage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.UsageWorker.Retention;

/// <summary>Deletes rows of the ledger's tables that are no longer kept. Any number of workers may run.</summary>
internal sealed class OldRowsWorker(
    NpgsqlDataSource source,
    LedgerState ledger,
    TimeProvider time,
    IOptions<RetentionOptions> options,
    ILogger<OldRowsWorker> logger) : PeriodicLedgerWork(ledger, time, options.Value.Interval)
{
    private readonly TimeProvider _time = time;

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        var (now, kept) = (_time.GetUtcNow(), options.Value);
        await OldRows.RemoveAsync(
            source, LedgerTables.RejectedEvents, now - kept.RejectedEvents, removed => logger.RejectedEventsRemoved(removed, kept.RejectedEvents.TotalDays), stoppingToken);
        await OldRows.RemoveAsync(
            source, LedgerTables.Comparisons, now - kept.Comparisons, removed => logger.ComparisonsRemoved(removed, kept.Comparisons.TotalDays), stoppingToken);
    }

    protected override void Failed(Exception exception, TimeSpan wait) => logger.OldRowsNotRemoved(exception, wait);
}
