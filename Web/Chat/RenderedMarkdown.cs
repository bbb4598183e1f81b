namespace LlmAspire.Web.Chat;

/// <summary>An answer as it is shown.</summary>
/// <param name="Text">The markdown.</param>
/// <param name="PlainFrom">Where the part begins that is beyond <see cref="MarkdownBounds"/>; the length of the text when nothing is.</param>
/// <param name="ParsedFrom">Where the part began that was parsed for it; what was before was taken over from an earlier one.</param>
public sealed record RenderedMarkdown(string Text, IReadOnlyList<MarkdownBlock> Blocks, int PlainFrom, int ParsedFrom)
{
    /// <summary>Of nothing.</summary>
    public static RenderedMarkdown Empty { get; } = new("", [], 0, 0);

    /// <summary>
    /// The blocks that no further text can change, and where the text begins that can. Markdown is decided line by line: a block is settled when another
    /// follows it whose first line is whole. (After <c>- a</c>, the line <c>---</c> is a rule, and <c>--- b</c> goes on with the list.)
    /// </summary>
    internal (int From, IReadOnlyList<MarkdownBlock> Blocks) Settled()
    {
        if (Blocks is not [.., var last])
        {
            return (0, []);
        }

        var from = last.Start;
        if (from < PlainFrom && Text.IndexOf('\n', from) < 0)
        {
            from = Blocks.LastOrDefault(block => block.Start < from)?.Start ?? 0;
        }

        return (from, [.. Blocks.TakeWhile(block => block.Start < from)]);
    }
}
