namespace LlmAspire.Api.Conversations.Data;

/// <summary>
/// The saved prompt that a conversation uses, as it was when it was chosen: what becomes of the prompt afterwards does not change the conversation.
/// </summary>
/// <param name="Id">The prompt that it was taken from; it may be gone.</param>
/// <param name="Version">The number of its version.</param>
public sealed record PromptCopy(Guid Id, int Version, string Name, string Text);
