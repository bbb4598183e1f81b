namespace LlmAspire.Api.Llm.Concurrency;

/// <summary>When the items that are left of a run are cancelled. By default each runs to its end, however the others end.</summary>
public sealed record ParallelRunOptions<T>
{
    /// <summary>The first failure cancels the others.</summary>
    public bool StopOnFailure { get; init; }

    /// <summary>
    /// The first value for which it is true cancels the others; null accepts none. It is called for one value at a time, and no more after it accepted one.
    /// An item for which it throws has failed.
    /// </summary>
    public Func<T, bool>? Accept { get; init; }
}
