using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Prices;

/// <summary>Looks for new prices at the gateway, at the start and again and again. Any number of workers may run.</summary>
internal sealed class PriceSyncWorker(
    GatewayPriceClient gateway,
    PriceSync sync,
    ILedgerReadiness readiness,
    TimeProvider time,
    IOptions<PriceSyncOptions> options,
    ILogger<PriceSyncWorker> logger) : PeriodicLedgerWork(readiness, time, options.Value.SyncInterval)
{
    private bool _fails;

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        if (options.Value.BaseUrl is null)
        {
            logger.NoGatewayForPrices();
            await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken);
        }

        var prices = await gateway.ReadAsync(stoppingToken);
        if (await sync.SaveAsync(prices, stoppingToken) is var (revision, changes))
        {
            logger.PricesChanged(changes, revision);
        }

        if (_fails)
        {
            _fails = false;
            logger.PricesReadAgain();
        }
    }

    protected override void Failed(Exception exception, TimeSpan wait)
    {
        // It may be away for hours, and is asked every few seconds.
        if (!_fails)
        {
            _fails = true;
            logger.PricesNotRead(exception);
        }
    }
}
