namespace LlmAspire.Web.Prompts;

/// <param name="Next">The cursor of the next page; null at the end.</param>
public sealed record PromptList(IReadOnlyList<PromptItem> Items, string? Next);

/// <param name="Beginning">Of its text.</param>
/// <param name="Mine">Whether the signed-in person owns it.</param>
public sealed record PromptItem(
    Guid Id, string Name, string Beginning, string Visibility, int Version, PromptPerson Owner, bool Mine, DateTimeOffset UpdatedAt);

/// <summary>A saved prompt as it is now.</summary>
/// <param name="Visibility">A word of <see cref="PromptVisibility"/>.</param>
/// <param name="Editable">Whether the signed-in person may change it.</param>
public sealed record SavedPrompt(
    Guid Id, string Name, string Text, string Visibility, int Version, PromptPerson Owner, bool Mine, bool Editable, DateTimeOffset UpdatedAt);

/// <param name="Next">The cursor of the next page; null at the end.</param>
public sealed record PromptVersionList(IReadOnlyList<PromptVersion> Items, string? Next);

/// <param name="RestoredFrom">The version that it brought back; null when it was written.</param>
public sealed record PromptVersion(
    int Number, string Name, string Text, string Visibility, PromptPerson Author, int? RestoredFrom, DateTimeOffset CreatedAt);

/// <param name="Email">Null when the account is gone.</param>
public sealed record PromptPerson(Guid Id, string? Email);

/// <summary>The prompt of a conversation: a copy, as it was when it was chosen.</summary>
public sealed record ConversationPrompt(Guid Id, int Version, string Name, string Text);

/// <summary>The body of <c>POST /prompts/system</c>.</summary>
/// <param name="Existing">A prompt that is to be improved.</param>
public sealed record WritePrompt(string? Description, string? Existing, string? Instructions, string? Language);

/// <summary>The Api's words for who sees a prompt.</summary>
public static class PromptVisibility
{
    public const string Private = "private";
    public const string Organisation = "organisation";
}

/// <summary>The Api's words for which prompts are listed.</summary>
public static class PromptScope
{
    public const string Mine = "mine";
    public const string Organisation = "organisation";
}
