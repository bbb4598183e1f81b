using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>A call to a provider that is over and whose usage is durable.</summary>
/// <param name="Usage">What became its row of the ledger.</param>
/// <param name="FinishReason">The provider's word for why the answer ended; null when it did not tell.</param>
/// <param name="Failure">What went wrong; null unless the outcome is <see cref="UsageOutcome.Failed"/>.</param>
public sealed record SettledCall(UsageEvent Usage, string? FinishReason, GatewayFailure? Failure);
