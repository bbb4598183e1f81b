namespace LlmAspire.Api.Chat.Groups;

/// <summary>A message to several models, each of which answers it.</summary>
/// <param name="Models">Two to six different ids from <c>GET /llm/models</c>.</param>
/// <param name="ConversationId"><inheritdoc cref="ChatRequest" path="/param[@name='ConversationId']"/></param>
/// <param name="Message"><inheritdoc cref="ChatRequest" path="/param[@name='Message']"/></param>
/// <param name="Tools"><inheritdoc cref="ChatRequest" path="/param[@name='Tools']"/></param>
/// <param name="ParentMessageId"><inheritdoc cref="ChatRequest" path="/param[@name='ParentMessageId']"/></param>
/// <param name="PromptId"><inheritdoc cref="ChatRequest" path="/param[@name='PromptId']"/></param>
public sealed record CompareRequest(
    Guid? ConversationId, string? Message, IReadOnlyList<string>? Models, IReadOnlyList<string>? Tools, Guid? ParentMessageId, Guid? PromptId = null);
