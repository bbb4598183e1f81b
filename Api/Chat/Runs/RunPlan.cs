using LlmAspire.Api.Llm;
using LlmAspire.Api.Tools;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>What an answer is to be made of, and where it belongs.</summary>
/// <param name="Start">To be written down first; null when an answer is continued.</param>
/// <param name="Forgotten">What is taken back when the caller is told of a failure instead.</param>
/// <param name="Prefix">What earlier attempts left of the answer.</param>
internal sealed record RunPlan(
    Guid RunId,
    int Attempt,
    CallContext Context,
    Guid ConversationId,
    Guid UserMessageId,
    Guid MessageId,
    string TraceId,
    string Prefix,
    IReadOnlyList<ChatMessage> Messages,
    RunStart? Start,
    RunForgotten? Forgotten)
{
    /// <summary>What the model may call; null for nothing.</summary>
    public RunTools? Tools { get; init; }

    /// <summary>The calls of tools of earlier attempts.</summary>
    public IReadOnlyList<ToolCall> EarlierTools { get; init; } = [];
}
