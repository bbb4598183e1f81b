using LlmAspire.Web.Chat;
using LlmAspire.Web.Prompts;

namespace LlmAspire.Web.Conversations;

/// <param name="Next">The cursor of the next page; null at the end.</param>
public sealed record ConversationList(IReadOnlyList<ConversationItem> Items, string? Next);

/// <param name="Snippet">The part of a message where a search found it.</param>
public sealed record ConversationItem(Guid Id, string Title, bool Pinned, bool Archived, DateTimeOffset UpdatedAt, string? Snippet);

/// <summary>A conversation with all its branches.</summary>
/// <param name="CurrentMessageId">The end of the branch that is shown.</param>
/// <param name="Messages">Oldest first.</param>
/// <param name="Prompt">What the model is told first; null for nothing.</param>
public sealed record Conversation(
    Guid Id, string Title, Guid? CurrentMessageId, IReadOnlyList<StoredMessage> Messages, ConversationPrompt? Prompt = null);

/// <param name="ParentId">The message before; null at the beginning.</param>
/// <param name="Role"><see cref="User"/> or the model.</param>
/// <param name="Status"><c>complete</c>, <c>running</c>, <c>stopped</c>, <c>interrupted</c> or <c>failed</c>.</param>
public sealed record StoredMessage(
    Guid Id,
    Guid? ParentId,
    string Role,
    string Content,
    string? Model,
    string Status,
    string? FinishReason,
    string? RunId,
    string? TraceId,
    MessageFault? Error,
    IReadOnlyList<CallUsage> Usage,
    IReadOnlyList<ToolCall>? Tools = null)
{
    public const string User = "user";
}

/// <summary>Why an answer failed or was interrupted.</summary>
public sealed record MessageFault(string Code, string Title, string Detail);

/// <summary>What is to be changed of a conversation; null stays.</summary>
public sealed record ConversationChange(string? Title = null, bool? Pinned = null, bool? Archived = null, Guid? CurrentMessageId = null);
