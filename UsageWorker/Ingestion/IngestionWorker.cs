using LlmAspire.Usage;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.UsageWorker.Ingestion;

/// <summary>
/// Moves events from the inbox into the ledger: at once when it is notified, every few seconds in any case. Any number of
/// workers may run.
/// </summary>
internal sealed class IngestionWorker(
    UsageIngestion ingestion,
    [FromKeyedServices(ConnectionPool.Sessions)] NpgsqlDataSource source,
    LedgerState ledger,
    IngestionTelemetry telemetry,
    TimeProvider time,
    IOptions<IngestionOptions> options,
    ILogger<IngestionWorker> logger) : BackgroundService
{
    private const int LargestBatch = 5000;

    private DateTimeOffset _partitionsCheckedAt = DateTimeOffset.MinValue;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await ledger.WhenReadyAsync(stoppingToken);
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), time);
        while (true)
        {
            try
            {
                await ListenAsync(backoff, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (!ledger.ReportFailure(exception))
                {
                    logger.IngestionInterrupted(exception, backoff.Next);
                }

                await backoff.WaitAsync(stoppingToken);
            }
        }
    }

    private async Task ListenAsync(Backoff backoff, CancellationToken stoppingToken)
    {
        await using var connection = await ListeningConnection.OpenAsync(source, _ => { }, [UsageIngestion.Channel], stoppingToken);
        while (true)
        {
            await EnsurePartitionsAsync(stoppingToken);
            while (await IngestAsync(stoppingToken) == LargestBatch)
            {
            }

            ledger.ReportAnswer();
            backoff.Reset();
            // A notification that came meanwhile ends it at once.
            await connection.WaitAsync(options.Value.PollInterval, stoppingToken);
        }
    }

    private async Task<int> IngestAsync(CancellationToken stoppingToken)
    {
        var begun = time.GetUtcNow();
        var batch = await ingestion.IngestAsync(LargestBatch, stoppingToken);
        if (batch.Taken > 0)
        {
            telemetry.Record(batch, begun, time.GetUtcNow());
            logger.Ingested(batch.Events.Count, batch.Replaced, batch.Repeated, batch.Rejected);
        }

        return batch.Taken;
    }

    /// <summary>This month's and the next one's, looked at every hour.</summary>
    private async Task EnsurePartitionsAsync(CancellationToken stoppingToken)
    {
        var now = time.GetUtcNow();
        if (now - _partitionsCheckedAt < TimeSpan.FromHours(1))
        {
            return;
        }

        await ingestion.EnsurePartitionAsync(now, stoppingToken);
        await ingestion.EnsurePartitionAsync(now.AddMonths(1), stoppingToken);
        _partitionsCheckedAt = now;
    }
}
