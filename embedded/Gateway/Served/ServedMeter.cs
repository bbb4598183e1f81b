namespace LlmAspire.DemoGateway.Served;

/// <summary>Counts one running call into the record. For one thread at a time.</summary>
internal sealed class ServedMeter(ServedLog log, Guid id)
{
    private bool _finished;

    public int CompletionTokens { get; private set; }

    public int ReasoningTokens { get; private set; }

    /// <summary>To be called before the tokens are sent.</summary>
    public void Count(int tokens, bool reasoning)
    {
        CompletionTokens += tokens;
        ReasoningTokens += reasoning ? tokens : 0;
        log.Append(new ServedEvent(id, CompletionTokens: CompletionTokens, ReasoningTokens: reasoning ? ReasoningTokens : null));
    }

    /// <summary>Records the end; the first one stands.</summary>
    public void Finish(ServedOutcome outcome)
    {
        if (!_finished)
        {
            _finished = true;
            log.Append(new ServedEvent(id, CompletionTokens: CompletionTokens, Outcome: outcome, ReasoningTokens: ReasoningTokens));
        }
    }
}
