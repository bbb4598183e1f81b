namespace LlmAspire.Api.Llm.Concurrency;

/// <summary>How an item ended.</summary>
public enum ParallelOutcome
{
    Succeeded,

    /// <summary>Its work threw; a time-out of its own is that too.</summary>
    Failed,

    /// <summary>The caller cancelled it, another item stopped it, or the service stops: before it began, or while it ran.</summary>
    Cancelled,
}
