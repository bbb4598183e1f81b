using System.Net;
using System.Text.Json;
using LlmAspire.Usage;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Prices;

/// <summary>Looks for new prices at the gateway, at the start and again and again. Any number of workers may run.</summary>
internal sealed class PriceSyncWorker(
    GatewayPriceClient gateway,
    PriceSync sync,
    LedgerState ledger,
    TimeProvider time,
    IOptions<PriceSyncOptions> options,
    ILogger<PriceSyncWorker> logger) : PeriodicLedgerWork(ledger, time, options.Value.SyncInterval)
{
    /// <summary>What was logged last: that the gateway is away (true), or that its prices cannot be read; null when they can.</summary>
    private bool? _away;

    protected override async Task DoAsync(CancellationToken stoppingToken)
    {
        if (options.Value.BaseUrl is null)
        {
            logger.NoGatewayForPrices();
            await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken);
        }

        if (await sync.SyncAsync(gateway.ReadAsync, stoppingToken) is var (revision, changes))
        {
            logger.PricesChanged(changes, revision);
        }

        if (_away is not null)
        {
            _away = null;
            logger.PricesReadAgain();
        }
    }

    protected override void Failed(Exception exception, TimeSpan wait)
    {
        if (exception is not (HttpRequestException or TimeoutException or JsonException))
        {
            logger.PricesNotTakenOver(exception, wait);
            return;
        }

        // It may be so for hours, and the gateway is asked every few seconds.
        var away = IsAway(exception);
        if (_away == away)
        {
            return;
        }

        _away = away;
        if (away)
        {
            logger.WaitingForPrices(exception.Message);
        }
        else
        {
            logger.PricesNotRead(exception.Message);
        }
    }

    /// <summary>It has not started yet, or something before it says so.</summary>
    private static bool IsAway(Exception exception) => exception is TimeoutException or HttpRequestException
    {
        StatusCode: null or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
    };
}
