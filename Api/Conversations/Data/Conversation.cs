namespace LlmAspire.Api.Conversations.Data;

/// <summary>What one person and models said to each other: a tree of messages.</summary>
public sealed class Conversation : IOwned
{
    public const int MaxTitleCharacters = 200;

    public Guid Id { get; init; }

    public Guid OrgId { get; init; }

    public Guid UserId { get; init; }

    public required string Title { get; set; }

    public TitleSource TitleSource { get; set; }

    public bool Pinned { get; set; }

    public bool Archived { get; set; }

    /// <summary>The end of the branch that is shown; null while there is none.</summary>
    public Guid? CurrentMessageId { get; set; }

    /// <summary>What the model is told before the first message; null for nothing.</summary>
    public PromptCopy? Prompt { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Who gave a conversation its title. Stored in lower case.</summary>
public enum TitleSource
{
    /// <summary>It is the beginning of the first message.</summary>
    Fallback,

    Model,

    User,
}
