namespace LlmAspire.Web.Chat;

/// <summary>The body of <c>POST /chat</c>.</summary>
/// <param name="ConversationId">Null for the first message: the Api's <c>run</c> event then tells it.</param>
/// <param name="Model">Alias; null for the Api's default.</param>
public sealed record ChatRequest(string? ConversationId, string Message, string? Model);
