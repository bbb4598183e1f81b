using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Usage;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace LlmAspire.Api.Chat;

/// <summary>Makes runs out of requests that were found good.</summary>
internal sealed class ChatService(IChatClient client, IOptions<GatewayOptions> gateway, ILogger<ChatService> logger)
{
    /// <summary>Begins to answer. Whoever starts a run disposes it.</summary>
    public ChatRun Start(ChatRequest request, ChatModel model, Caller caller, string traceId)
    {
        var runId = Guid.CreateVersion7();
        var context = new CallContext
        {
            UserId = caller.UserId,
            OrgId = caller.OrgId,
            RequestId = Guid.CreateVersion7(),
            ConversationId = request.ConversationId ?? Guid.CreateVersion7(),
            Operation = UsageOperation.Chat,
            ModelAlias = model.Id,
        };

        var run = new ChatRun(runId, context, traceId, logger);
        run.Start(client, Messages(request), Options(model, caller));
        return run;
    }

    private static List<ChatMessage> Messages(ChatRequest request) =>
    [
        .. (request.History ?? []).Select(message => new ChatMessage(
            message!.Role == ChatRole.Assistant.Value ? ChatRole.Assistant : ChatRole.User, message.Content)),
        new ChatMessage(ChatRole.User, request.Message),
    ];

    private ChatOptions Options(ChatModel model, Caller caller) => new()
    {
        ModelId = model.Id,
        // Always sent: what a call can cost at most must be known, and LiteLLM asks Anthropic for 64,000 when it is not.
        MaxOutputTokens = Math.Min(gateway.Value.MaxOutputTokens, model.MaxOutputTokens ?? int.MaxValue),
        // There is no abstraction for "user"; AdditionalProperties are not sent.
        RawRepresentationFactory = _ => new ChatCompletionOptions { EndUserId = caller.UserId.ToString() },
    };
}
