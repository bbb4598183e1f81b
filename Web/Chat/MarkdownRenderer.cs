using System.Diagnostics.CodeAnalysis;
using AngleSharp.Html.Dom;
using Ganss.Xss;
using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Extensions.Tables;
using Markdig.Parsers;
using Markdig.Renderers;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace LlmAspire.Web.Chat;

/// <summary>
/// Markdown of a model to safe HTML. A model's text is hostile input: raw HTML is shown as text, what Markdig makes passes a
/// sanitizer, and images become links, because loading one tells its host that, and what, somebody reads. What cannot be rendered, or is beyond the
/// <see cref="MarkdownBounds"/>, is shown as plain text: no text makes this throw. Thread-safe.
/// </summary>
public sealed partial class MarkdownRenderer(ILogger<MarkdownRenderer> logger)
{
    /// <summary>How deep emphasis, links and blocks are within each other: each takes a part of the stack.</summary>
    private const int MaxRenderDepth = 128;

    private readonly MarkdownPipeline _pipeline = CreatePipeline();
    private readonly HtmlSanitizer _sanitizer = CreateSanitizer();

    /// <summary>Renders a text by top-level blocks.</summary>
    /// <param name="previous">
    /// What was made of the text when it was shorter. Its blocks that cannot change any more are taken over: while an answer streams, only its end is
    /// parsed, and only its last block is rendered and sent to the browser. Without it everything is rendered anew, which alone lets a reference
    /// in one block define a link in another.
    /// </param>
    public RenderedMarkdown Render(string markdown, RenderedMarkdown? previous = null)
    {
        var known = previous is not null && markdown.StartsWith(previous.Text, StringComparison.Ordinal) ? previous : RenderedMarkdown.Empty;
        var (from, settled) = known.Settled();
        var blocks = new BlockList(settled, known.Blocks);
        var end = Math.Max(from, known.PlainFrom < known.Text.Length ? known.PlainFrom : MarkdownBounds.EndOf(markdown, from));
        var plainFrom = from == end ? end : AddMarkdown(blocks, markdown, from, end);
        if (blocks.Count == 0 && plainFrom == markdown.Length && !string.IsNullOrWhiteSpace(markdown))
        {
            // Definitions of links alone, for example: it was said, so it is shown.
            blocks.AddPlain(0, markdown);
        }

        var start = plainFrom;
        foreach (var piece in PlainText.Split(markdown[plainFrom..]))
        {
            blocks.AddPiece(start, piece);
            start += piece.Length;
        }

        return new RenderedMarkdown(markdown, blocks.All, plainFrom, from);
    }

    /// <summary>Adds the blocks of a part of a text that begins and ends between blocks.</summary>
    /// <returns>Where they end: at <paramref name="end"/>, or before the block that would be one too many.</returns>
    private int AddMarkdown(BlockList blocks, string markdown, int from, int end)
    {
        var part = markdown[from..end];
        foreach (var block in Parse(part))
        {
            var source = part.Substring(block.Span.Start, Math.Min(block.Span.Length, part.Length - block.Span.Start));
            var start = from + MarkdownBounds.LineStart(part, block.Span.Start);
            if (blocks.IsKnown(start, source, out var same))
            {
                blocks.Add(same);
            }
            else if (!BoundsExtension.IsBeyond(block) && RenderBlock(block, start, source) is { } rendered)
            {
                blocks.Add(rendered);
            }
            else
            {
                blocks.AddPlain(start, source);
            }

            if (blocks.Elements > MarkdownBounds.MaxElements)
            {
                blocks.RemoveFrom(start);
                return start;
            }
        }

        return end;
    }

    /// <summary>The blocks of a text that show something. One that cannot be parsed is one paragraph, which is beyond the bounds.</summary>
    private IEnumerable<Block> Parse(string part)
    {
        try
        {
            var document = Markdown.Parse(part, _pipeline);
            foreach (var image in document.Descendants<LinkInline>().Where(link => link.IsImage))
            {
                image.IsImage = false;
            }

            return document.Where(block => block is not LinkReferenceDefinitionGroup and not BlankLineBlock);
        }
        catch (Exception exception)
        {
            LogPlain(logger, exception.GetType().Name);
            return [BoundsExtension.MarkBeyond(new ParagraphBlock { Span = new SourceSpan(0, part.Length - 1) })];
        }
    }

    /// <summary>Null when it cannot be rendered, or would be too much for a browser.</summary>
    private MarkdownBlock? RenderBlock(Block block, int start, string source)
    {
        if (block is CodeBlock code and not MathBlock)
        {
            return new MarkdownBlock(MarkdownBlockKind.Code, start, source, code.Lines.ToString(), (code as FencedCodeBlock)?.Info);
        }

        try
        {
            using var writer = new StringWriter();
            var renderer = new HtmlRenderer(writer);
            _pipeline.Setup(renderer);
            renderer.MaximumNestingDepth = MaxRenderDepth;
            renderer.Render(block);
            var kind = block is Table ? MarkdownBlockKind.Table : MarkdownBlockKind.Html;
            var made = new MarkdownBlock(kind, start, source, writer.ToString());
            return made.Elements > MarkdownBounds.MaxElements ? null : made with { Content = _sanitizer.Sanitize(made.Content) };
        }
        catch (Exception exception)
        {
            LogPlain(logger, exception.GetType().Name);
            return null;
        }
    }

    /// <remarks>For Debug: a text that is made for it could fill the log. Not its words: they quote the answer.</remarks>
    [LoggerMessage(LogLevel.Debug, "A part of an answer is shown as plain text: it cannot be rendered ({Reason})")]
    private static partial void LogPlain(ILogger logger, string reason);

    private static MarkdownPipeline CreatePipeline()
    {
        // How deep blocks are nested is checked when they are rendered, one by one: here one that is too deep would take the others with it.
        var builder = new MarkdownPipelineBuilder { MaximumNestingDepth = MarkdownBounds.MaxMarkdown }
            .DisableHtml()
            .UsePipeTables()
            .UseEmphasisExtras()
            .UseAutoLinks()
            .UseTaskLists()
            .UseListExtras()
            .UseMathematics()
            .Use<FormulaExtension>()
            .Use<BoundsExtension>();

        // A list whose first dash has just arrived would turn the paragraph above into a heading for a moment.
        builder.BlockParsers.FindExact<ParagraphBlockParser>()!.ParseSetextHeadings = false;
        return builder.Build();
    }

    private static HtmlSanitizer CreateSanitizer()
    {
        var sanitizer = new HtmlSanitizer(new HtmlSanitizerOptions
        {
            AllowedTags = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
            {
                "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "input", "ins", "li", "mark",
                "ol", "p", "pre", "span", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
            },
            AllowedAttributes = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
            {
                "checked", "class", "disabled", "href", "role", "start", "style", "title", "type",
            },
            AllowedCssProperties = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "text-align" },
            AllowedSchemes = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "http", "https", "mailto" },
            UriAttributes = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "href" },
        });
        sanitizer.AllowedClasses.UnionWith(["contains-task-list", "formula", "formula-block", "task-list-item"]);
        sanitizer.PostProcessNode += (_, args) =>
        {
            if (args.Node is IHtmlAnchorElement link)
            {
                link.SetAttribute("target", "_blank");
                link.SetAttribute("rel", "noopener noreferrer nofollow");
            }
            else if (args.Node is IHtmlTableHeaderCellElement header && string.IsNullOrWhiteSpace(header.TextContent))
            {
                // The corner of a table: a header without words says nothing.
                args.ReplacementNodes.Add(header.Owner!.CreateElement("td"));
            }
        };
        return sanitizer;
    }

    /// <summary>The blocks of an answer as they are found. Those that are the same as before are the same objects: the page leaves them alone.</summary>
    private sealed class BlockList(IReadOnlyList<MarkdownBlock> settled, IReadOnlyList<MarkdownBlock> known)
    {
        private readonly List<MarkdownBlock> _all = [.. settled];

        public IReadOnlyList<MarkdownBlock> All => _all;

        public int Count => _all.Count;

        public int Elements { get; private set; } = settled.Sum(block => block.Elements);

        public bool IsKnown(int start, string source, [NotNullWhen(true)] out MarkdownBlock? same)
        {
            same = _all.Count < known.Count ? known[_all.Count] : null;
            return same is not null && same.Start == start && same.Source == source;
        }

        public void Add(MarkdownBlock block)
        {
            _all.Add(block);
            Elements += block.Elements;
        }

        /// <summary>Adds a whole block as it was written.</summary>
        public void AddPlain(int start, string source)
        {
            foreach (var piece in PlainText.Split(source))
            {
                AddPiece(start, piece);
            }
        }

        public void AddPiece(int start, string piece) =>
            Add(IsKnown(start, piece, out var same) && same.Kind == MarkdownBlockKind.Plain ? same : new MarkdownBlock(MarkdownBlockKind.Plain, start, piece, piece));

        public void RemoveFrom(int start) => _all.RemoveAll(block => block.Start >= start);
    }
}
