using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Ingestion;

/// <summary>The spans and metrics of ingestion. Ids and numbers only.</summary>
internal sealed class IngestionTelemetry : IDisposable
{
    public const string Name = "LlmAspire.UsageWorker";

    private readonly ActivitySource activities = new(Name);
    private readonly Counter<long> ingested;
    private readonly Counter<long> repeated;
    private readonly Counter<long> rejected;
    private readonly Histogram<int> batchSize;
    private readonly Histogram<double> lag;

    public IngestionTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        ingested = meter.CreateCounter<long>("llmaspire.ledger.ingested", "{event}", "Events that became rows");
        repeated = meter.CreateCounter<long>("llmaspire.ledger.repeated", "{event}", "Events that were rows before");
        rejected = meter.CreateCounter<long>("llmaspire.ledger.rejected", "{event}", "Events that the ledger cannot hold");
        batchSize = meter.CreateHistogram<int>("llmaspire.ledger.batch.size", "{event}", "Events taken in one transaction");
        lag = meter.CreateHistogram<double>("llmaspire.ledger.lag", "s", "From an event's durability to its row");
    }

    /// <summary>
    /// Records a batch that was committed: a span for the batch, and for each row one that belongs to the trace of its call
    /// and links to the batch.
    /// </summary>
    public void Record(IngestedBatch batch, DateTimeOffset begun, DateTimeOffset committed)
    {
        ingested.Add(batch.Events.Count);
        repeated.Add(batch.Repeated);
        rejected.Add(batch.Rejected);
        batchSize.Record(batch.Taken);

        using var whole = activities.StartActivity("ingest batch", ActivityKind.Internal, default(ActivityContext), startTime: begun);
        whole?.SetTag("llmaspire.batch.taken", batch.Taken)
            .SetTag("llmaspire.batch.ingested", batch.Events.Count)
            .SetTag("llmaspire.batch.rejected", batch.Rejected)
            .SetEndTime(committed.UtcDateTime);
        foreach (var row in batch.Events)
        {
            lag.Record((committed - row.EnqueuedAt).TotalSeconds);
            ActivityContext.TryParse(row.Traceparent, null, isRemote: true, out var call);
            using var one = activities.StartActivity(
                "ingest usage", ActivityKind.Consumer, call, links: whole is null ? null : [new ActivityLink(whole.Context)], startTime: begun);
            one?.SetTag("llmaspire.usage.id", row.Id.ToString()).SetEndTime(committed.UtcDateTime);
        }
    }

    public void Dispose() => activities.Dispose();
}
