using System.ComponentModel.DataAnnotations;

namespace LlmAspire.Api.Prompts;

/// <summary>The limits of prompts: section <c>Prompts</c>.</summary>
public sealed class PromptSettings
{
    public const string Section = "Prompts";

    /// <summary>UTF-16 code units of a prompt.</summary>
    [Range(1, 1_000_000)]
    public int MaxTextCharacters { get; set; } = 50_000;

    /// <summary>UTF-16 code units of what a prompt is to be made of: a description, or instructions.</summary>
    [Range(1, 100_000)]
    public int MaxDescriptionCharacters { get; set; } = 10_000;

    /// <summary>Prompts that a person may have.</summary>
    [Range(1, 100_000)]
    public int MaxPrompts { get; set; } = 1_000;

    /// <summary>Versions of a prompt that are kept, the newest included.</summary>
    [Range(1, 10_000)]
    public int MaxVersions { get; set; } = 200;

    /// <summary>The output cap of a prompt that is being written, in tokens.</summary>
    [Range(1, 100_000)]
    public int MaxOutputTokens { get; set; } = 4_096;
}
