using System.Diagnostics;
using System.Diagnostics.Metrics;
using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Ingestion;

/// <summary>The spans and metrics of ingestion. Ids and numbers only.</summary>
internal sealed class IngestionTelemetry : IDisposable
{
    public const string Name = "LlmAspire.UsageWorker";

    private readonly ActivitySource _activities = new(Name);
    private readonly Counter<long> _ingested;
    private readonly Counter<long> _replaced;
    private readonly Counter<long> _repeated;
    private readonly Counter<long> _rejected;
    private readonly Counter<long> _tokens;
    private readonly Histogram<int> _batchSize;
    private readonly Histogram<double> _lag;

    public IngestionTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _ingested = meter.CreateCounter<long>("llmaspire.ledger.ingested", "{event}", "Events that became rows");
        _replaced = meter.CreateCounter<long>("llmaspire.ledger.replaced", "{event}", "Events that replaced an interrupted row");
        _repeated = meter.CreateCounter<long>("llmaspire.ledger.repeated", "{event}", "Events that were rows before");
        _rejected = meter.CreateCounter<long>("llmaspire.ledger.rejected", "{event}", "Events that the ledger cannot hold");
        _tokens = meter.CreateCounter<long>("llmaspire.ledger.tokens", "{token}", "Tokens of events that became rows, by class and model alias");
        _batchSize = meter.CreateHistogram<int>("llmaspire.ledger.batch.size", "{event}", "Events taken in one transaction");
        _lag = meter.CreateHistogram<double>("llmaspire.ledger.lag", "s", "From an event's durability to its row");
    }

    /// <summary>
    /// Records a batch that was committed: a span for the batch, and for each row one that belongs to the trace of its call
    /// and links to the batch.
    /// </summary>
    public void Record(IngestedBatch batch, DateTimeOffset begun, DateTimeOffset committed)
    {
        _ingested.Add(batch.Events.Count);
        _replaced.Add(batch.Replaced);
        _repeated.Add(batch.Repeated);
        _rejected.Add(batch.Rejected);
        _batchSize.Record(batch.Taken);
        CountTokens(batch);

        using var whole = _activities.StartActivity("ingest batch", ActivityKind.Internal, default(ActivityContext), startTime: begun);
        whole?.SetTag("llmaspire.batch.taken", batch.Taken)
            .SetTag("llmaspire.batch.ingested", batch.Events.Count)
            .SetTag("llmaspire.batch.rejected", batch.Rejected)
            .SetEndTime(committed.UtcDateTime);
        foreach (var row in batch.Events)
        {
            _lag.Record((committed - row.EnqueuedAt).TotalSeconds);
            ActivityContext.TryParse(row.Traceparent, null, isRemote: true, out var call);
            using var one = _activities.StartActivity(
                "ingest usage", ActivityKind.Consumer, call, links: whole is null ? null : [new ActivityLink(whole.Context)], startTime: begun);
            one?.SetTag("llmaspire.usage.id", row.Id.ToString()).SetEndTime(committed.UtcDateTime);
        }
    }

    /// <summary>The classes within the prompt or the completion are counted beside it, not instead.</summary>
    private void CountTokens(IngestedBatch batch)
    {
        foreach (var rows in batch.Events.GroupBy(row => row.ModelAlias))
        {
            Add("prompt", tokens => tokens.Prompt);
            Add("completion", tokens => tokens.Completion);
            Add("cached_prompt", tokens => tokens.CachedPrompt);
            Add("cache_write", tokens => tokens.CacheWrite);
            Add("reasoning", tokens => tokens.Reasoning);
            Add("audio_prompt", tokens => tokens.AudioPrompt);
            Add("audio_completion", tokens => tokens.AudioCompletion);

            void Add(string tokenClass, Func<TokenCounts, long> count)
            {
                if (rows.Sum(row => count(row.Tokens)) is > 0 and var sum)
                {
                    _tokens.Add(sum, new("class", tokenClass), new("model", rows.Key));
                }
            }
        }
    }

    public void Dispose() => _activities.Dispose();
}
