using System.Threading.RateLimiting;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Plans;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Prompts;

/// <summary>Has a model write system prompts. Safe to use from several threads.</summary>
internal sealed class PromptService(
    IChatClient client, IOptions<PlanOptions> plans, IOptions<PromptSettings> settings, TimeProvider time, ILogger<PromptDraft> logger)
{
    /// <summary>Begins to write.</summary>
    /// <param name="request">Found good.</param>
    /// <param name="lease">The caller's place among the concurrent runs; given back when the prompt has ended.</param>
    /// <param name="readerGone">Ends it early.</param>
    public PromptDraft Begin(
        WritePromptRequest request, ChatModel model, Caller caller, RateLimitLease lease, string traceId, CancellationToken readerGone)
    {
        var call = new CallContext
        {
            UserId = caller.UserId,
            OrgId = caller.OrgId,
            ApiKeyId = caller.ApiKeyId,
            RequestId = Guid.CreateVersion7(time.GetUtcNow()),
            Operation = UsageOperation.Prompt,
            ModelAlias = model.Id,
            AllowanceLimit = plans.Value[caller.OrgPlan].TokensPerMonth,
        };
        var options = new ChatOptions { ModelId = model.Id, MaxOutputTokens = Math.Min(settings.Value.MaxOutputTokens, model.MaxOutputTokens ?? int.MaxValue) };
        var draft = new PromptDraft(call, MetaPrompt.Of(request), options, traceId, logger);
        _ = WriteAsync(draft, lease, readerGone);
        return draft;
    }

    /// <summary>Lasts as long as its reader, whose request the server waits for; its call, as any other, holds up the end of the service until it is settled.</summary>
    private async Task WriteAsync(PromptDraft draft, RateLimitLease lease, CancellationToken readerGone)
    {
        using (lease)
        {
            await draft.ExecuteAsync(client, readerGone);
        }
    }
}
