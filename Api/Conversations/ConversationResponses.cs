using LlmAspire.Api.Chat;
using LlmAspire.Api.Conversations.Data;

namespace LlmAspire.Api.Conversations;

/// <param name="Next">What to send as cursor for the next page; null at the end.</param>
public sealed record ConversationPage(IReadOnlyList<ConversationItem> Items, string? Next);

/// <param name="Snippet">The part of a message where a search found it, as plain text; null when it is in the title only, or nothing was searched.</param>
public sealed record ConversationItem(
    Guid Id, string Title, bool Pinned, bool Archived, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, string? Snippet);

/// <param name="CurrentMessageId">The end of the branch that is shown.</param>
/// <param name="Messages">The whole tree, oldest first.</param>
/// <param name="Prompt">What the model is told before the first message: a copy of a saved prompt; null for nothing.</param>
public sealed record ConversationResponse(
    Guid Id,
    string Title,
    bool Pinned,
    bool Archived,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    Guid? CurrentMessageId,
    IReadOnlyList<MessageResponse> Messages,
    PromptCopy? Prompt);

/// <param name="RunId">What made the answer; null for what the user said.</param>
/// <param name="Attempt">1, and one more each time that the answer was continued.</param>
/// <param name="Usage">What the calls of this answer used.</param>
/// <param name="Tools">The calls of tools, in the order in which they were asked for.</param>
public sealed record MessageResponse(
    Guid Id,
    Guid? ParentId,
    MessageRole Role,
    string Content,
    string? Model,
    MessageStatus Status,
    string? FinishReason,
    Guid? RunId,
    int? Attempt,
    string? TraceId,
    DateTimeOffset CreatedAt,
    MessageError? Error,
    IReadOnlyList<CallUsage> Usage,
    IReadOnlyList<ToolCall> Tools);

/// <summary>Why an answer failed or was interrupted.</summary>
public sealed record MessageError(string Code, string Title, string Detail);

/// <summary>What changes; what is missing stays.</summary>
public sealed record ConversationChange(string? Title, bool? Pinned, bool? Archived, Guid? CurrentMessageId);

/// <summary>The saved prompt that a conversation is to use from now on.</summary>
public sealed record PromptChoice(Guid? PromptId);
