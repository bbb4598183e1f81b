namespace LlmAspire.Web.Chat;

/// <summary>A message of the user and what was answered to it. Answered again it has several answers, of which one is shown.</summary>
/// <param name="previous">The answer that it follows; null at the beginning.</param>
public sealed class ChatExchange(string message, ChatAnswer? previous)
{
    public Guid Id { get; } = Guid.CreateVersion7();

    public string Message { get; } = message;

    public ChatAnswer? Previous { get; } = previous;

    /// <summary>Where the Api stores it; null until it said so.</summary>
    public Guid? MessageId { get; internal set; }

    public ChatBranches<ChatAnswer> Answers { get; } = new();

    /// <summary>The answer that is shown; null when none was made.</summary>
    public ChatAnswer? Answer => Answers.Shown;
}
