namespace LlmAspire.Web.Chat;

/// <summary>A top-level block of an answer: a paragraph, a list, a table, a code block, or a piece of plain text.</summary>
/// <param name="Start">Where its first line begins in the answer. Pieces of one block that is shown as plain text have the same.</param>
/// <param name="Source">The markdown it was made from.</param>
/// <param name="Content">Safe HTML; for <see cref="MarkdownBlockKind.Code"/> and <see cref="MarkdownBlockKind.Plain"/> the text itself.</param>
/// <param name="Language">What the fence of a code block says, if anything.</param>
public sealed record MarkdownBlock(MarkdownBlockKind Kind, int Start, string Source, string Content, string? Language = null)
{
    /// <summary>How many elements of the page it takes, roughly.</summary>
    public int Elements => Kind is MarkdownBlockKind.Html or MarkdownBlockKind.Table ? 1 + (Content.AsSpan().Count('<') / 2) : 1;
}

public enum MarkdownBlockKind
{
    Html,
    Table,
    Code,

    /// <summary>Markdown that is shown as it was written: it cannot be rendered, or would take too long.</summary>
    Plain,
}
