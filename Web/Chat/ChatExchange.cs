namespace LlmAspire.Web.Chat;

/// <summary>A message of the user and its answer. Sent again after a failure it gets a new answer.</summary>
public sealed class ChatExchange(string message, string? model, string? modelName)
{
    public Guid Id { get; } = Guid.CreateVersion7();

    public string Message { get; } = message;

    /// <summary>The alias asked for; null for the Api's default.</summary>
    public string? Model { get; internal set; } = model;

    /// <summary>The alias as users know it.</summary>
    public string? ModelName { get; internal set; } = modelName;

    public ChatAnswer Answer { get; internal set; } = new();

    /// <summary>Whether later messages build on it.</summary>
    public bool IsHistory => Answer.HasText && Answer.State is AnswerState.Done or AnswerState.Stopped;
}
