using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>A call to a provider that is over and whose usage is durable.</summary>
/// <param name="Usage">What became its row of the ledger.</param>
/// <param name="FinishReason">OpenAI's word for why the answer ended; null when it did not tell.</param>
/// <param name="Failure">What went wrong; null unless the outcome is <see cref="UsageOutcome.Failed"/>.</param>
public sealed record SettledCall(UsageEvent Usage, string? FinishReason, GatewayFailure? Failure)
{
    /// <summary>All rows of the call, the last of them <see cref="Usage"/>: more than one when providers took turns in the middle of a stream.</summary>
    public IReadOnlyList<UsageEvent> Rows { get; init; } = [Usage];
}
