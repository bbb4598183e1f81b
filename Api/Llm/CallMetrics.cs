using System.Diagnostics.Metrics;
using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>The metrics of calls to providers. Ids of people are in none.</summary>
internal sealed class CallMetrics
{
    public const string MeterName = "LlmAspire.Api";

    private readonly Counter<long> _tokens;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _gap;
    private readonly Histogram<double> _settle;
    private readonly Counter<long> _overdue;

    public CallMetrics(IMeterFactory meters, ActiveCalls active)
    {
        var meter = meters.Create(MeterName);
        _tokens = meter.CreateCounter<long>("llmaspire.call.tokens", "{token}", "Tokens of calls, by class, model, source and outcome");
        _firstToken = meter.CreateHistogram<double>("llmaspire.call.first_token", "s", "From sending a call to its first content");
        _gap = meter.CreateHistogram<double>("llmaspire.call.token_gap", "s", "Between two pieces of a streamed answer");
        _settle = meter.CreateHistogram<double>("llmaspire.call.settle", "s", "How long the end of an answer waited for its usage to be durable");
        _overdue = meter.CreateCounter<long>("llmaspire.call.overdue", "{call}", "Calls that settled themselves, because nothing else did in their time");
        meter.CreateObservableUpDownCounter("llmaspire.call.open", () => active.Count, "{call}", "Calls that run");
        meter.CreateObservableUpDownCounter("llmaspire.call.drains", () => active.Drains, "{call}", "Answers that are read on though nobody wants them");
    }

    public void FirstToken(string model, TimeSpan elapsed) => _firstToken.Record(elapsed.TotalSeconds, Model(model));

    public void Gap(string model, TimeSpan elapsed) => _gap.Record(elapsed.TotalSeconds, Model(model));

    public void Overdue(string model) => _overdue.Add(1, Model(model));

    public void Settled(UsageEvent usage, TimeSpan waited)
    {
        _settle.Record(waited.TotalSeconds);
        Add("prompt", usage.PromptTokens);
        Add("completion", usage.CompletionTokens);
        Add("cached_prompt", usage.CachedPromptTokens);
        Add("cache_write", usage.CacheWriteTokens);
        Add("reasoning", usage.ReasoningTokens);

        void Add(string tokenClass, long? count)
        {
            if (count > 0)
            {
                _tokens.Add(
                    count.Value,
                    KeyValuePair.Create<string, object?>("class", tokenClass),
                    Model(usage.ModelAlias),
                    KeyValuePair.Create<string, object?>("source", usage.Source.ToString().ToLowerInvariant()),
                    KeyValuePair.Create<string, object?>("outcome", usage.Outcome.ToString().ToLowerInvariant()));
            }
        }
    }

    private static KeyValuePair<string, object?> Model(string alias) => KeyValuePair.Create<string, object?>("model", alias);
}
