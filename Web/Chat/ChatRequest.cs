namespace LlmAspire.Web.Chat;

/// <summary>The body of <c>POST /chat</c>.</summary>
/// <param name="ConversationId">Null for the first message: the Api's <c>run</c> event then tells it.</param>
/// <param name="Message">Null to have <paramref name="ParentMessageId"/> answered again.</param>
/// <param name="Model">Alias; null for the Api's default.</param>
/// <param name="Tools">Names of tools that the model may use.</param>
/// <param name="ParentMessageId">The message before; null for the one that is current, the conversation's own id for its beginning.</param>
/// <param name="PromptId">The saved prompt of a new conversation; null for none.</param>
public sealed record ChatRequest(
    Guid? ConversationId, string? Message, string? Model, Guid? ParentMessageId, IReadOnlyList<string>? Tools = null, Guid? PromptId = null);
