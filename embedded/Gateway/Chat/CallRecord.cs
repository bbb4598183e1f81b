using LlmAspire.DemoGateway.DemoModel;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Keeps the record of one call, which has an entry for each deployment that answered. For one thread at a time.</summary>
internal sealed class CallRecord(ServedLog log, string callId, bool streamed, SpendLogNote spendLog, Serving first)
{
    private ServedMeter _meter = Accept(log, callId, streamed, spendLog, first);

    /// <summary>To be called before the step is sent.</summary>
    public void Note(AnswerStep step)
    {
        switch (step)
        {
            case SettleStep settle:
                _meter.Finish(settle.Outcome);
                break;
            case TakeOverStep takeOver:
                _meter = Accept(log, callId, streamed, spendLog, takeOver.By);
                break;
            case { Tokens: > 0 }:
                _meter.Count(step.Tokens, step is ReasoningStep);
                break;
        }
    }

    /// <summary>Unless it is settled already.</summary>
    public void Finish(ServedOutcome outcome) => _meter.Finish(outcome);

    private static ServedMeter Accept(ServedLog log, string callId, bool streamed, SpendLogNote spendLog, Serving by) => log.Accept(new ServedCallHead(
        callId,
        by.Deployment.Id,
        by.Deployment.Alias,
        by.Deployment.Provider,
        by.Deployment.Model,
        streamed,
        by.Prompt.Total,
        by.Prompt.Cached,
        by.Prompt.CacheWrite,
        spendLog,
        by.Prompt.CacheWriteHour));
}
