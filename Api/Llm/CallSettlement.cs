using LlmAspire.Api.Llm.Wire;
using LlmAspire.Usage;

namespace LlmAspire.Api.Llm;

/// <summary>
/// Makes the rows of a call that has ended: one for each provider that served a part of it. Where a provider said nothing, or something that our own count of the text contradicts, the row is an
/// estimate. It always makes them: what fails on the way leaves its part of them empty.
/// </summary>
internal sealed partial class CallSettlement(CallAccounting accounting, CallContext context, ProviderRequest request, CallFrame frame)
{
    /// <summary>How many times greater than the report our count has to be: tokenizers differ, by less than that.</summary>
    private const int CompletionFactor = 2;

    /// <summary>More for a prompt: we count schemas of tools as they are written, and some servers cut what is too long.</summary>
    private const int PromptFactor = 8;

    private const int PromptSlack = 64;

    /// <summary>Bytes of prose that are a token, where nothing can be counted.</summary>
    private const int BytesPerToken = 4;

    /// <summary>The rows, the last of them that of the answer's end. Never fails.</summary>
    public async Task<List<UsageEvent>> DescribeAsync(CallEnd end)
    {
        var parts = end.Answer?.Parts ?? [];
        var rows = new List<UsageEvent>();
        for (var index = 0; index < Math.Max(parts.Count, 1); index++)
        {
            var part = index < parts.Count ? parts[index] : null;
            var isLast = index >= parts.Count - 1;
            var row = Begin(end, part, rows.FirstOrDefault(), isLast, Math.Max(parts.Count, 1));
            if (end.WasServed)
            {
                row = await CountAsync(row, end.Answer, part, isLast);
            }

            rows.Add(row);
        }

        return rows;
    }

    private UsageEvent Begin(CallEnd end, AnswerPart? part, UsageEvent? first, bool isLast, int parts)
    {
        var servedBy = Safely(
            () => first is null ? ServedBy.Resolve(frame.Headers, part?.Model, context.ModelAlias, accounting.Catalog) : ServedBy.OfModel(part?.Model, context.ModelAlias, accounting.Catalog),
            new ServedBy(null, null));
        var usage = Safely(() => part?.Reports.Usage, null);
        int? fallbacks = frame.Headers.Fallbacks is null && parts == 1 ? null : Math.Max(frame.Headers.Fallbacks ?? 0, parts - 1);
        return new UsageEvent
        {
            // The first is the one that was opened.
            Id = first?.NewPartId() ?? frame.Id,
            RequestId = context.RequestId,
            UserId = context.UserId,
            OrgId = context.OrgId,
            ApiKeyId = context.ApiKeyId,
            ConversationId = context.ConversationId,
            Operation = frame.Operation,
            Traceparent = frame.Traceparent,
            ModelAlias = context.ModelAlias,
            Provider = servedBy.Provider,
            ServedModel = servedBy.Model,
            PromptTokens = usage?.PromptTokens ?? 0,
            CompletionTokens = usage?.CompletionTokens ?? 0,
            CachedPromptTokens = usage?.CachedPromptTokens,
            CacheWriteTokens = usage?.CacheWriteTokens,
            CacheWrite1hTokens = usage?.CacheWrite1hTokens,
            // Anthropic does not tell how much of its answer is thought: LiteLLM counts the text of it, and is wrong.
            ReasoningTokens = IsClaudeBehindLiteLlm(servedBy) ? null : usage?.ReasoningTokens,
            AudioPromptTokens = usage?.AudioPromptTokens,
            AudioCompletionTokens = usage?.AudioCompletionTokens,
            Source = usage is null ? UsageSource.None
                // A usage before the finish reason was a running count: it speaks for what came until then.
                : !isLast || !end.Answer!.IsFinished ? UsageSource.Partial
                : IsGuess(end.Answer, part!, servedBy) ? UsageSource.Estimated
                : UsageSource.Provider,
            Outcome = isLast ? end.Outcome : UsageOutcome.Failed,
            // The first attempt, each retry, and at least one call for each fallback.
            Attempts = frame.Headers.Retries is null && fallbacks is null ? null : 1 + (frame.Headers.Retries ?? 0) + (fallbacks ?? 0),
            Fallbacks = fallbacks,
            TtftMs = first is null && frame.FirstContent is { } begun ? (int)begun.TotalMilliseconds : null,
            // When a part ended nobody knows: the whole time is that of the last.
            DurationMs = isLast ? (int)frame.Duration.TotalMilliseconds : 0,
            GatewayCallId = frame.Headers.CallId ?? (parts > 1 ? frame.Id.ToString() : null),
            RawUsage = Safely(() => part?.Reports.Raw, null),
        };
    }

    private bool IsClaudeBehindLiteLlm(ServedBy servedBy) => frame.Headers.IsLiteLlm
        && (servedBy.Provider == "anthropic" || servedBy.Model?.Contains("claude", StringComparison.OrdinalIgnoreCase) == true);

    /// <summary>
    /// When a provider's stream breaks, LiteLLM may end it like any other, with usage of its own making (BerriAI/litellm#33404, #42085). It lacks the details that the provider always sends; of
    /// Claude it has the details of the first event, with the lifetimes of cache writes, which no whole answer's has.
    /// </summary>
    private bool IsGuess(AnswerFacts answer, AnswerPart part, ServedBy servedBy)
    {
        if (!frame.Headers.IsLiteLlm || !request.IsStreamed || answer.Parts.Count > 1 || part.Reports.Only is not { } report)
        {
            return false;
        }

        return report.HasEmptyDetails
            || servedBy.Provider == "anthropic" && report.HasWriteLifetimes
            || servedBy.Provider is "openai" or "azure" or "anthropic" or "gemini" or "vertex_ai" && report is { Total: not null, HasDetails: false };
    }

    /// <summary>Puts estimates where the provider said nothing, or too little. What its report clears by its size is not counted.</summary>
    private async Task<UsageEvent> CountAsync(UsageEvent row, AnswerFacts? answer, AnswerPart? part, bool isLast)
    {
        var told = Safely(() => part?.Reports.Usage, null);
        var isRunning = part is not null && (!isLast || !answer!.IsFinished) && part.HasTextAfterUsage;
        var isGuess = row.Source == UsageSource.Estimated;
        var countsPrompt = told?.PromptTokens is not { } prompt || prompt == 0 || request.PromptBound > PromptFactor * ((PromptFactor * prompt) + PromptSlack);
        var countsAnswer = part is not null && (told?.CompletionTokens is not { } completion || isRunning || isGuess || !part.Text.IsWithin(completion));
        if (!countsPrompt && !countsAnswer)
        {
            return row;
        }

        // It takes its milliseconds: not those of whoever passes bytes.
        return await Task.Run(() =>
        {
            var model = row.ServedModel ?? row.ModelAlias;
            var ofPrompt = countsPrompt ? Safely(() => accounting.Estimator.CountPrompt(model, request.Body), request.PromptBound / BytesPerToken) : 0;
            var ofAnswer = countsAnswer ? Safely(() => accounting.Estimator.CountAnswer(model, part!.Text), part!.Text.Length / BytesPerToken) : 0;
            return Correct(row, told, ofPrompt, ofAnswer, isRunning || isGuess);
        });
    }

    /// <param name="isLowerBound">Whether what was told of the completion is no more than that.</param>
    private static UsageEvent Correct(UsageEvent row, ProviderUsage? told, long ofPrompt, long ofAnswer, bool isLowerBound)
    {
        var prompt = told?.PromptTokens is { } promptTold && promptTold > 0 && ofPrompt <= (PromptFactor * promptTold) + PromptSlack ? promptTold : Math.Max(ofPrompt, told?.PromptTokens ?? 0);
        var completion = told?.CompletionTokens is not { } completionTold ? ofAnswer
            : isLowerBound || completionTold == 0 || ofAnswer > (CompletionFactor * completionTold) + CompletionFactor ? Math.Max(ofAnswer, completionTold)
            : completionTold;
        return told is not null && (prompt, completion) == (told.PromptTokens, told.CompletionTokens)
            ? row
            : row with { PromptTokens = prompt, CompletionTokens = completion, Source = UsageSource.Estimated };
    }

    private T Safely<T>(Func<T> find, T otherwise)
    {
        try
        {
            return find();
        }
        catch (Exception exception)
        {
            try
            {
                LogMissing(accounting.Logger, exception, frame.Id);
            }
            catch (Exception)
            {
                // The logger itself fails: there is nobody left to tell.
            }

            return otherwise;
        }
    }

    [LoggerMessage(LogLevel.Error, "Something about the usage of call {CallId} could not be found out; its row says so.")]
    private static partial void LogMissing(ILogger logger, Exception exception, Guid callId);
}
