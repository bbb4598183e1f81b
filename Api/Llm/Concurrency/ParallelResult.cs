namespace LlmAspire.Api.Llm.Concurrency;

/// <summary>What became of an item. There is one for each, whatever happens.</summary>
/// <param name="Index">The item's place among those that were given, from 0.</param>
/// <param name="Value">What the work returned; the default unless it <see cref="ParallelOutcome.Succeeded"/>.</param>
/// <param name="Exception">What the work threw; null unless it <see cref="ParallelOutcome.Failed"/>.</param>
/// <param name="IsAccepted">It is the one that <see cref="ParallelRunOptions{T}.Accept"/> accepted: the first, and the only one of its run.</param>
/// <param name="Waited">From being given to the beginning of the work, or to its cancellation before that.</param>
/// <param name="Duration">From the beginning of the work to its end; null when it never began.</param>
public sealed record ParallelResult<T>(
    int Index, ParallelOutcome Outcome, T? Value, Exception? Exception, bool IsAccepted, TimeSpan Waited, TimeSpan? Duration);
