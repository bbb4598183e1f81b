using System.Text.Json.Serialization;
using LlmAspire.Usage;

namespace LlmAspire.Api.Prompts.Data;

/// <summary>A saved system prompt as it is now. It is its owner's; when it is shared, the organisation's members see it too.</summary>
public sealed class Prompt
{
    public const int MaxNameCharacters = 200;

    public Guid Id { get; init; }

    public Guid OrgId { get; init; }

    /// <summary>The owner.</summary>
    public Guid UserId { get; init; }

    public required string Name { get; set; }

    public required string Text { get; set; }

    public PromptVisibility Visibility { get; set; }

    /// <summary>The number of the newest version; of two changes of the same version one fails.</summary>
    public int Version { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>What a prompt was from a moment on. It is never changed.</summary>
public sealed class PromptVersion
{
    public Guid PromptId { get; init; }

    public Prompt Prompt { get; init; } = null!;

    /// <summary>1, 2, 3, …</summary>
    public int Number { get; init; }

    public required string Name { get; init; }

    public required string Text { get; init; }

    /// <summary>What was private when it was saved stays the owner's, also when the prompt is shared later.</summary>
    public PromptVisibility Visibility { get; init; }

    /// <summary>Who saved it.</summary>
    public Guid AuthorId { get; init; }

    /// <summary>The number of the version that this one brought back; null when it was written.</summary>
    public int? RestoredFrom { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Who sees a prompt. Stored in lower case.</summary>
[JsonConverter(typeof(EnumNameConverter<PromptVisibility>))]
public enum PromptVisibility
{
    /// <summary>Its owner.</summary>
    [JsonStringEnumMemberName("private")] Private,

    /// <summary>Every member of its owner's organisation. The owner and the admins change it.</summary>
    [JsonStringEnumMemberName("organisation")] Organisation,
}
