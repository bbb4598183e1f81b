using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Plans;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Chat;

/// <summary>Makes runs out of requests that were found good.</summary>
internal sealed class ChatService(IChatClient client, IOptions<PlanOptions> plans, ILogger<ChatService> logger)
{
    /// <summary>Begins to answer. Whoever starts a run disposes it.</summary>
    public ChatRun Start(ChatRequest request, ChatModel model, Caller caller, string traceId)
    {
        var runId = Guid.CreateVersion7();
        var context = new CallContext
        {
            UserId = caller.UserId,
            OrgId = caller.OrgId,
            ApiKeyId = caller.ApiKeyId,
            RequestId = Guid.CreateVersion7(),
            ConversationId = request.ConversationId ?? Guid.CreateVersion7(),
            Operation = UsageOperation.Chat,
            ModelAlias = model.Id,
            AllowanceLimit = plans.Value[caller.OrgPlan].TokensPerMonth,
        };

        var run = new ChatRun(runId, context, traceId, logger);
        run.Start(client, Messages(request), new ChatOptions { ModelId = model.Id });
        return run;
    }

    internal static List<ChatMessage> Messages(ChatRequest request) =>
    [
        .. (request.History ?? []).Select(message => new ChatMessage(
            message!.Role == ChatRole.Assistant.Value ? ChatRole.Assistant : ChatRole.User, message.Content)),
        new ChatMessage(ChatRole.User, request.Message),
    ];
}
