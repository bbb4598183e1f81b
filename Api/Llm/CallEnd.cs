using LlmAspire.Api.Llm.Wire;
using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>How a call ended.</summary>
/// <param name="Answer">What was read of its answer; null when there was none.</param>
/// <param name="Failure">Null unless the outcome is <see cref="UsageOutcome.Failed"/>.</param>
/// <param name="GatewayText">What the gateway said of it, for the log.</param>
internal sealed record CallEnd(UsageOutcome Outcome, AnswerFacts? Answer, GatewayFailure? Failure, string? GatewayText)
{
    /// <summary>Whether a provider may have worked: then usage that nobody reported is estimated.</summary>
    public bool WasServed { get; init; } = true;
}

/// <summary>What is known of a call besides its end.</summary>
/// <param name="Traceparent">W3C trace context of the call's span.</param>
/// <param name="FirstContent">From sending to the first content; null when there was none.</param>
internal sealed record CallFrame(
    Guid Id, UsageOperation Operation, string? Traceparent, GatewayAnswerHeaders Headers, TimeSpan Duration, TimeSpan? FirstContent);
