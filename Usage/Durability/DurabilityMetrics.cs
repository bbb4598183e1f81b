using System.Diagnostics.Metrics;

namespace LlmAspire.Usage;

/// <summary>How long durability takes, and what waits for it.</summary>
internal sealed class DurabilityMetrics
{
    public const string Inbox = "inbox";

    public const string Spool = "spool";

    private readonly Meter _meter;
    private readonly Counter<long> _events;
    private readonly Histogram<double> _open;

    public DurabilityMetrics(IMeterFactory meters, RunningCalls running, SpoolFile spool, HeldSpools held, PostgresState postgres)
    {
        _meter = meters.Create("LlmAspire.Usage");
        _events = _meter.CreateCounter<long>("llmaspire.usage.events", "{event}", "Events made durable, by where (inbox, spool)");
        _open = _meter.CreateHistogram<double>("llmaspire.usage.open.duration", "s", "What opening a call adds before it");
        _meter.CreateObservableUpDownCounter("llmaspire.usage.calls.running", () => running.Count, "{call}", "Calls whose usage is not in the inbox yet");
        _meter.CreateObservableGauge("llmaspire.usage.spool.depth", () => spool.Count, "{entry}", "Entries that wait in the spool");
        _meter.CreateObservableGauge("llmaspire.usage.spool.held", () => held.Count, "{file}", "Files of the spool that this process cannot empty");
        _meter.CreateObservableGauge("llmaspire.usage.postgres.away", () => postgres.IsAway ? 1 : 0, null, "1 while PostgreSQL does not answer");
        _meter.CreateObservableCounter("llmaspire.usage.postgres.busy", () => postgres.Busy, "{statement}", "Statements given up, behind a lock or much work, while PostgreSQL answered");
    }

    /// <summary>To be called once: events that are durable nowhere yet.</summary>
    public void ObserveWaiting(Func<int> waiting) =>
        _meter.CreateObservableGauge("llmaspire.usage.memory.depth", waiting, "{event}", "Events that wait in memory to become durable");

    public void Opened(TimeSpan elapsed) => _open.Record(elapsed.TotalSeconds);

    public void Durable(int count, string where) => _events.Add(count, KeyValuePair.Create<string, object?>("where", where));
}
