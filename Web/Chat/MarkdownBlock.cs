namespace LlmAspire.Web.Chat;

/// <summary>A top-level block of an answer: a paragraph, a list, a table, a code block.</summary>
/// <param name="Source">The markdown it was made from.</param>
/// <param name="Content">Safe HTML; for <see cref="MarkdownBlockKind.Code"/> the plain code.</param>
/// <param name="Language">What the fence of a code block says, if anything.</param>
public sealed record MarkdownBlock(MarkdownBlockKind Kind, string Source, string Content, string? Language = null);

public enum MarkdownBlockKind
{
    Html,
    Table,
    Code,
}
