using LlmAspire.Usage;

namespace LlmAspire.UsageWorker;

/// <summary>
/// Work on the ledger that comes again and again, first when the schema is there. A failure ends nothing: it is tried again, sooner at first.
/// </summary>
internal abstract class PeriodicLedgerWork(LedgerState ledger, TimeProvider time, TimeSpan interval) : BackgroundService
{
    /// <summary>Does it once, and with the ledger: that it succeeds says that PostgreSQL answers.</summary>
    protected abstract Task DoAsync(CancellationToken stoppingToken);

    /// <summary>Logs that it failed, for another reason than that PostgreSQL is away.</summary>
    protected abstract void Failed(Exception exception, TimeSpan wait);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ledger.WhenReadyAsync(stoppingToken);
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), time);
        while (true)
        {
            try
            {
                await DoAsync(stoppingToken);
                ledger.ReportAnswer();
                backoff.Reset();
                await Task.Delay(interval, time, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (!ledger.ReportFailure(exception))
                {
                    Failed(exception, backoff.Next);
                }

                await backoff.WaitAsync(stoppingToken);
            }
        }
    }
}
