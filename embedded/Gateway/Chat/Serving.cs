using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Who answers, what was sent to them, and the form in which the client is told of usage.</summary>
internal sealed record Serving(Deployment Deployment, PromptCounts Prompt, UsageFormat Format)
{
    /// <summary>
    /// The usage that the client is told when the provider told it after these steps. A stream of several choices loses it: the proxy counts by itself.
    /// </summary>
    public TokenUsage UsageOf(IReadOnlyList<AnswerStep> steps)
    {
        if (Format.IsStreamed && steps.Any(step => step is NextChoiceStep))
        {
            return UnreportedOf(steps);
        }

        var (completion, reasoning) = (0, 0);
        foreach (var step in steps)
        {
            completion += step.Tokens;
            reasoning += step is ReasoningStep ? step.Tokens : 0;
        }

        return Usage(completion, reasoning);
    }

    /// <param name="completion">Reasoning included.</param>
    public TokenUsage Usage(int completion, int reasoning) => Format.Reported(Prompt, completion, reasoning);

    /// <summary>The usage that the client is told when the provider told none.</summary>
    public TokenUsage UnreportedOf(IEnumerable<AnswerStep> steps) => Format.Unreported(Prompt, steps.VisibleTokens());

    /// <summary>The proxy's own count of these steps, whatever it does of its own accord.</summary>
    public TokenUsage GuessOf(IEnumerable<AnswerStep> steps) => Format.IsStreamed
        ? (Format with { IsNewer = true }).Unreported(Prompt, steps.VisibleTokens())
        : TokenUsage.Of(Prompt.Total, steps.VisibleTokens());

    /// <summary>What a provider tells that counts nothing: zeros, which are not the same as silence.</summary>
    public TokenUsage Zero() => Format.Reported(PromptCounts.None, 0, 0);
}
