using LlmAspire.Usage;

namespace LlmAspire.Api.Llm.Concurrency;

/// <summary>Something to do, and what it counts against.</summary>
/// <param name="OrgId">On whose behalf: organisations take turns.</param>
/// <param name="Model">The alias that it calls; null when it calls none, which no model's limit holds back.</param>
/// <param name="Operation">What it is for: in metrics only.</param>
/// <param name="Work">
/// Called at most once, with the context of the caller of the runner (its <see cref="CallContext"/>, its trace). It is cancelled through its token; what it
/// returns in spite of that counts.
/// </param>
public sealed record ParallelItem<T>(Guid OrgId, string? Model, UsageOperation Operation, Func<CancellationToken, Task<T>> Work)
{
    /// <summary>Cancels this item and no other.</summary>
    public CancellationToken Cancellation { get; init; }
}
