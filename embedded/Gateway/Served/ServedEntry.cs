namespace LlmAspire.DemoGateway.Served;

/// <summary>A call in the making, as far as its lines were read. For one thread at a time.</summary>
internal sealed class ServedEntry(Guid id, DateTimeOffset acceptedAt, ServedCallHead head)
{
    private ServedOutcome? _outcome;
    private DateTimeOffset? _finishedAt;
    private int _reasoningTokens;

    public Guid Id => id;

    public DateTimeOffset AcceptedAt => acceptedAt;

    public ServedCallHead Head => head;

    public int CompletionTokens { get; set; }

    public void Add(ServedEvent next)
    {
        CompletionTokens = next.CompletionTokens ?? CompletionTokens;
        _reasoningTokens = next.ReasoningTokens ?? _reasoningTokens;
        if (next.Outcome is { } outcome)
        {
            (_outcome, _finishedAt) = (outcome, next.At);
        }
    }

    public ServedCall ToCall() => new(
        id,
        head.CallId,
        head.ModelId,
        head.Alias,
        head.Provider,
        head.ServedModel,
        head.Stream,
        head.PromptTokens,
        head.CachedTokens,
        head.CacheWriteTokens,
        head.CacheWriteHourTokens,
        CompletionTokens,
        _reasoningTokens,
        Finished: _outcome is not null,
        _outcome,
        acceptedAt,
        _finishedAt);
}
