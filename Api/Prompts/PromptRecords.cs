using LlmAspire.Api.Prompts.Data;

namespace LlmAspire.Api.Prompts;

/// <summary>A system prompt to be written. One of <paramref name="Description"/> and <paramref name="Existing"/> is needed.</summary>
/// <param name="Description">What the assistant is for.</param>
/// <param name="Existing">A system prompt that is to be improved.</param>
/// <param name="Instructions">What to pay attention to: how it is to be changed, its length, its tone.</param>
/// <param name="Language">The language of the prompt, by its name or tag; that of the description, or of the existing prompt, when missing.</param>
public sealed record WritePromptRequest(string? Description, string? Existing, string? Instructions, string? Language);

/// <summary>A new prompt.</summary>
/// <param name="Visibility"><c>private</c> when missing.</param>
public sealed record PromptRequest(string? Name, string? Text, PromptVisibility? Visibility);

/// <summary>Another version of a prompt; what is missing stays.</summary>
/// <param name="Version">The version that it was made of: when it is not the newest any more, nothing is changed.</param>
public sealed record PromptChange(int? Version, string? Name, string? Text, PromptVisibility? Visibility);

/// <summary>An earlier version to bring back, as a new one.</summary>
/// <param name="Version"><inheritdoc cref="PromptChange" path="/param[@name='Version']"/></param>
/// <param name="Number">The version whose name and text are to be the newest again.</param>
public sealed record PromptRestore(int? Version, int? Number);

/// <param name="Next">What to send as cursor for the next page; null at the end.</param>
public sealed record PromptPage(IReadOnlyList<PromptItem> Items, string? Next);

/// <param name="Beginning">Of its text, as plain text.</param>
public sealed record PromptItem(
    Guid Id, string Name, string Beginning, PromptVisibility Visibility, int Version, PromptPerson Owner, bool Mine, DateTimeOffset UpdatedAt);

/// <param name="Mine">Whether the caller owns it.</param>
/// <param name="Editable">Whether the caller may change and delete it.</param>
public sealed record PromptResponse(
    Guid Id,
    string Name,
    string Text,
    PromptVisibility Visibility,
    int Version,
    PromptPerson Owner,
    bool Mine,
    bool Editable,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt);

/// <param name="Next">What to send as cursor for the next page; null at the end.</param>
public sealed record PromptVersionPage(IReadOnlyList<PromptVersionResponse> Items, string? Next);

/// <param name="RestoredFrom">The number of the version that it brought back; null when it was written.</param>
public sealed record PromptVersionResponse(
    int Number, string Name, string Text, PromptVisibility Visibility, PromptPerson Author, int? RestoredFrom, DateTimeOffset CreatedAt);

/// <param name="Email">Null when the account is gone.</param>
public sealed record PromptPerson(Guid Id, string? Email);
