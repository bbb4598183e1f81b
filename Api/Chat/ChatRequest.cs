namespace LlmAspire.Api.Chat;

/// <summary>A message to a model.</summary>
/// <param name="ConversationId">The conversation that it belongs to; a new one when missing.</param>
/// <param name="Message">What the user says; missing when a message that is there already is to be answered again.</param>
/// <param name="Model">An id from <c>GET /llm/models</c>; the installation's default when missing.</param>
/// <param name="Tools">Names from <c>GET /chat/tools</c> that the model may call; none when missing.</param>
/// <param name="ParentMessageId">
/// The message that this one follows; the conversation's current one when missing, and its beginning when it is the conversation's own id. Without
/// <paramref name="Message"/>: the user's message to answer.
/// </param>
/// <param name="PromptId">The saved prompt that a new conversation uses: a copy of what it is now. PUT /conversations/{id}/prompt changes that of another.</param>
public sealed record ChatRequest(
    Guid? ConversationId, string? Message, string? Model, IReadOnlyList<string>? Tools, Guid? ParentMessageId, Guid? PromptId = null);
