using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.Usage;

/// <inheritdoc cref="ICallOpener"/>
/// <remarks>Calls that come in while one batch is committed share the next commit. While PostgreSQL is away the spool takes their place.</remarks>
internal sealed class CallOpener(
    OpenCallTable table,
    PostgresState postgres,
    RunningCalls running,
    OutageAdmission admission,
    SpoolFile spool,
    UsageEventWriter events,
    DurabilityMetrics metrics,
    TimeProvider time,
    ILogger<CallOpener> logger) : BackgroundService, ICallOpener
{
    private const int Capacity = 10_000;

    private const int LargestBatch = 1_000;

    private readonly GroupQueue<OpenCall> _queue = new(Capacity, LargestBatch);

    public async Task OpenAsync(OpenCall call, CancellationToken cancellationToken)
    {
        // Throws for an id that is no UUID version 7, here where the caller can see it.
        _ = UuidV7.UnixMilliseconds(call.Id);
        cancellationToken.ThrowIfCancellationRequested();
        if (!events.TakesEvents)
        {
            throw new LedgerUnavailableException("Neither PostgreSQL nor the spool takes events: no call may be made.");
        }

        running.Add(call.Id);
        try
        {
            var begun = time.GetTimestamp();
            var queued = await _queue.EnqueueAsync(call);
            // Not cancelled from here on: a call that may have been opened has to be settled. It takes a moment.
            await queued.Durable;
            metrics.Opened(time.GetElapsedTime(begun));
        }
        catch (Exception exception)
        {
            running.Remove(call.Id);
            throw exception is LedgerUnavailableException or AllowanceExceededException
                ? exception
                : new LedgerUnavailableException("The service is stopping.", exception);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Complete();
        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        List<Queued<OpenCall>> batch = [];
        while (await _queue.ReadBatchAsync(batch, CancellationToken.None))
        {
            try
            {
                await OpenAsync(batch);
            }
            catch (Exception exception)
            {
                logger.NotOpened(exception, batch.Count);
                batch.ForEach(queued => queued.SetFailed(new LedgerUnavailableException("The call could not be opened.", exception)));
            }

            batch.Clear();
        }
    }

    private async Task OpenAsync(List<Queued<OpenCall>> batch)
    {
        try
        {
            IReadOnlyDictionary<Guid, AllowanceExceededException> refused = null!;
            if (await postgres.TryAsync(
                async patience => refused = await table.InsertAsync([.. batch.Select(queued => queued.Item)], patience, admission.Remember), CancellationToken.None))
            {
                foreach (var queued in batch)
                {
                    if (refused.TryGetValue(queued.Item.Id, out var exceeded))
                    {
                        queued.SetFailed(exceeded);
                    }
                    else
                    {
                        admission.Remember(queued.Item);
                        queued.SetDurable();
                    }
                }

                return;
            }
        }
        catch (PostgresException) when (batch.Count > 1)
        {
            foreach (var queued in batch)
            {
                await OpenAloneAsync(queued);
            }

            return;
        }

        Spool(batch);
    }

    /// <summary>One of them has data that PostgreSQL does not take: the others must not suffer for it.</summary>
    private async Task OpenAloneAsync(Queued<OpenCall> queued)
    {
        try
        {
            await OpenAsync([queued]);
        }
        catch (PostgresException exception)
        {
            queued.SetFailed(new LedgerUnavailableException("PostgreSQL does not take this call.", exception));
        }
    }

    private void Spool(List<Queued<OpenCall>> batch)
    {
        List<Queued<OpenCall>> admitted = [];
        foreach (var queued in batch)
        {
            try
            {
                admission.Admit(queued.Item);
                admitted.Add(queued);
            }
            catch (Exception exception) when (exception is LedgerUnavailableException or AllowanceExceededException)
            {
                queued.SetFailed(exception);
            }
        }

        if (admitted.Count == 0)
        {
            return;
        }

        try
        {
            spool.Append([.. admitted.Select(queued => SpoolEntry.Of(queued.Item))]);
            admitted.ForEach(queued => queued.SetDurable());
        }
        catch (SpoolException exception)
        {
            logger.NotSpooled(exception, admitted.Count);
            admitted.ForEach(queued => queued.SetFailed(new LedgerUnavailableException("PostgreSQL is away, and the spool takes nothing.", exception)));
        }
    }
}
