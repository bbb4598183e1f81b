using LlmAspire.Usage;
using OpenTelemetry;

namespace LlmAspire.UsageWorker;

/// <summary>
/// Work on the ledger that comes again and again, first when the schema is there. A failure ends nothing: it is tried again, sooner at first. No spans are
/// made of its SQL, which belongs to no user action.
/// </summary>
internal abstract class PeriodicLedgerWork(ILedgerReadiness readiness, TimeProvider time, TimeSpan interval) : BackgroundService
{
    /// <summary>Does it once.</summary>
    protected abstract Task DoAsync(CancellationToken stoppingToken);

    /// <summary>Logs that it failed.</summary>
    protected abstract void Failed(Exception exception, TimeSpan wait);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var quiet = SuppressInstrumentationScope.Begin();
        await readiness.WhenReadyAsync(stoppingToken);
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), time);
        while (true)
        {
            try
            {
                await DoAsync(stoppingToken);
                backoff.Reset();
                await Task.Delay(interval, time, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Failed(exception, backoff.Next);
                await backoff.WaitAsync(stoppingToken);
            }
        }
    }
}
