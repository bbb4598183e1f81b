namespace LlmAspire.Api.Chat;

/// <summary>A message to a model.</summary>
/// <param name="ConversationId">Groups the calls of one conversation in the ledger; made by the server when missing.</param>
/// <param name="Message">What the user says.</param>
/// <param name="Model">An id from <c>GET /llm/models</c>; the installation's default when missing.</param>
/// <param name="Tools">Names of tools that the model may call. None are available in this installation.</param>
/// <param name="ParentMessageId">The message that this one answers. Conversations are not stored yet: send <paramref name="History"/>.</param>
/// <param name="History">What was said before, oldest first.</param>
public sealed record ChatRequest(
    Guid? ConversationId,
    string? Message,
    string? Model,
    IReadOnlyList<string>? Tools,
    Guid? ParentMessageId,
    IReadOnlyList<HistoryMessage?>? History);

/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
public sealed record HistoryMessage(string? Role, string? Content);
