using Markdig;
using Markdig.Renderers;
using Markdig.Syntax;

namespace LlmAspire.Web.Chat;

/// <summary>
/// Marks top-level blocks that are nested too deep or hold too long a paragraph, and has their emphasis and links not looked for: that takes time by
/// the square of the length. Set up after all that brings parsers of blocks.
/// </summary>
internal sealed class BoundsExtension : IMarkdownExtension
{
    private static readonly object Mark = new();

    /// <summary>Whether anything in the block is beyond the bounds.</summary>
    public static bool IsBeyond(Block block) => block.ContainsData(Mark);

    /// <summary>Marks a block as one that is.</summary>
    public static Block MarkBeyond(Block block)
    {
        block.SetData(Mark, true);
        return block;
    }

    public void Setup(MarkdownPipelineBuilder pipeline)
    {
        foreach (var parser in pipeline.BlockParsers)
        {
            parser.Closed += static (_, block) => Check(block);
        }
    }

    public void Setup(MarkdownPipeline pipeline, IMarkdownRenderer renderer)
    {
    }

    private static void Check(Block block)
    {
        if (block is not LeafBlock leaf)
        {
            return;
        }

        var (top, depth) = (block, 0);
        while (top.Parent is { } parent and not MarkdownDocument)
        {
            (top, depth) = (parent, depth + 1);
        }

        if (depth > MarkdownBounds.MaxDepth || (leaf.ProcessInlines && leaf.Span.Length > MarkdownBounds.MaxParagraph))
        {
            leaf.ProcessInlines = false;
            MarkBeyond(top);
        }
    }
}
