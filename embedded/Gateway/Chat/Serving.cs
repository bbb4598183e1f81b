using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Who answers, and what was sent to them.</summary>
/// <param name="PromptTokens">Cached and cache-write tokens included.</param>
internal sealed record Serving(Deployment Deployment, int PromptTokens, int CachedTokens, int CacheWriteTokens)
{
    public static Serving Of(Deployment deployment, ModelAnswer answer) =>
        new(deployment, answer.PromptTokens, answer.CachedTokens, answer.CacheWriteTokens);

    /// <summary>The usage as the provider tells it after these steps.</summary>
    public TokenUsage UsageOf(IEnumerable<AnswerStep> steps)
    {
        var (completion, reasoning) = (0, 0);
        foreach (var step in steps)
        {
            completion += step.Tokens;
            reasoning += step is ReasoningStep ? step.Tokens : 0;
        }

        return Usage(completion, reasoning);
    }

    /// <param name="completion">Reasoning included.</param>
    public TokenUsage Usage(int completion, int reasoning) =>
        TokenUsage.For(Deployment.Provider, PromptTokens, CachedTokens, CacheWriteTokens, completion, reasoning);

    /// <summary>The usage as the proxy guesses it when the provider told none: it cannot know of thinking, nor of a cache.</summary>
    public TokenUsage GuessOf(IEnumerable<AnswerStep> steps) =>
        TokenUsage.Guess(PromptTokens, steps.VisibleTokens());

    /// <summary>What a provider tells that counts nothing: zeros, which are not the same as silence.</summary>
    public TokenUsage Zero() => TokenUsage.For(Deployment.Provider, 0, 0, 0, 0, 0);
}
