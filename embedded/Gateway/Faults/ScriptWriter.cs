using LlmAspire.DemoGateway.Chat;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Faults;

/// <summary>Writes what will happen in a call: the demo model's answer, and what a plan makes of it.</summary>
internal sealed class ScriptWriter(LiteLlmConfig config, DeploymentPicker picker, UpstreamErrors errors)
{
    /// <param name="asked">The deployment of the alias that was asked for.</param>
    /// <exception cref="GatewayException">The call is refused: by the plan, or because the plan or the prompt is impossible.</exception>
    public AnswerScript Write(ChatCompletionRequest request, Deployment asked, FaultPlan plan)
    {
        if (plan.Refusal is { } refusal)
        {
            throw errors.Of(refusal, asked);
        }

        if (plan.Retries > config.MaxRetries)
        {
            throw GatewayException.WrongFault($"'retries={plan.Retries}' is more than the configured num_retries, {config.MaxRetries}.");
        }

        var streamed = request.Stream == true;
        var tellUsage = !streamed || request.StreamOptions?.IncludeUsage == true;
        var deployment = plan.Fallback is { } fallback ? StandIn(asked, fallback.Alias, request.Seed) : asked;
        var answer = DemoChatModel.Answer(request, deployment, plan);
        if (answer.Prompt.Total > deployment.MaxInputTokens)
        {
            throw errors.ContextWindowExceeded(deployment, answer.Prompt.Total);
        }

        if (plan.CacheWrite is not null && CacheFault(deployment.Provider, answer.Prompt) is { } reason)
        {
            throw GatewayException.WrongFault($"'cache-write' is impossible here: {reason}");
        }

        var script = AnswerScript.Of(Serve(request, deployment, answer, plan), answer, tellUsage);
        if (plan.MidFallback is { } mid)
        {
            script = TakeOver(script, request, StandIn(asked, mid.Alias, request.Seed), plan, answer.FinishReason, tellUsage);
        }

        return script.WithBreak(plan, errors, streamed, tellUsage).WithUsage(plan, streamed, tellUsage).WithHolds(plan);
    }

    /// <summary>In a stream the second goes on where the first stopped; one body is the second's alone. At least one token is left to it.</summary>
    private static AnswerScript TakeOver(
        AnswerScript script, ChatCompletionRequest request, Deployment second, FaultPlan plan, string finishReason, bool tellUsage)
    {
        var kept = script.Content.StepsWithin(Math.Min(plan.MidFallback!.After, script.Content.VisibleTokens() - 1));
        AnswerStep[] rest = [.. script.Content.Skip(kept)];
        var answer = request.Stream == true
            ? DemoChatModel.GoOn(request, second, script.Content.Take(kept), rest, finishReason)
            : DemoChatModel.Answer(request, second, plan);
        return script.WithTakeOver(kept, Serve(request, second, answer, plan), answer, tellUsage);
    }

    private static Serving Serve(ChatCompletionRequest request, Deployment deployment, ModelAnswer answer, FaultPlan plan) =>
        new(deployment, answer.Prompt, new UsageFormat(deployment.Provider, request.Stream == true, plan.NewerProxy));

    private static string? CacheFault(string provider, PromptCounts prompt) => provider switch
    {
        not ("openai" or "anthropic") => $"'{provider}' does not tell of cache writes.",
        "openai" when prompt.CacheWriteHour > 0 => "only Anthropic's caches last an hour.",
        _ => prompt.Cached + prompt.CacheWrite > prompt.Total ? "the prompt has no so many tokens that are not cached yet." : null,
    };

    private Deployment StandIn(Deployment asked, string? alias, long? seed)
    {
        alias ??= config.Fallbacks.GetValueOrDefault(asked.Alias) is [var first, ..]
            ? first
            : throw GatewayException.WrongFault($"'{asked.Alias}' has no fallback in the configuration: name one.");
        return alias == asked.Alias
            ? throw GatewayException.WrongFault($"'{alias}' cannot stand in for itself.")
            : picker.Pick(alias, seed) ?? throw GatewayException.WrongFault($"There is no alias '{alias}' to fall back to.");
    }
}
