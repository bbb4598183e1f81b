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
/// sanitizer, and images become links, because loading one tells its host that, and what, somebody reads. Thread-safe.
/// </summary>
public sealed class MarkdownRenderer
{
    private readonly MarkdownPipeline _pipeline = CreatePipeline();
    private readonly HtmlSanitizer _sanitizer = CreateSanitizer();

    /// <summary>Renders a text by top-level blocks.</summary>
    /// <param name="previous">
    /// The blocks of the text when it was shorter. Those whose source is the same are taken over: while an answer streams,
    /// only its last block is rendered and sent to the browser. Without them everything is rendered anew, which alone
    /// lets a reference at the end define a link at the start.
    /// </param>
    public IReadOnlyList<MarkdownBlock> Render(string markdown, IReadOnlyList<MarkdownBlock>? previous = null)
    {
        var document = Markdown.Parse(markdown, _pipeline);
        foreach (var image in document.Descendants<LinkInline>().Where(link => link.IsImage))
        {
            image.IsImage = false;
        }

        var blocks = new List<MarkdownBlock>(document.Count);
        foreach (var block in document.Where(block => block is not LinkReferenceDefinitionGroup and not BlankLineBlock))
        {
            var source = markdown.Substring(block.Span.Start, Math.Min(block.Span.Length, markdown.Length - block.Span.Start));
            var known = previous is not null && blocks.Count < previous.Count && previous[blocks.Count].Source == source;
            blocks.Add(known ? previous![blocks.Count] : RenderBlock(block, source));
        }

        return blocks;
    }

    private MarkdownBlock RenderBlock(Block block, string source)
    {
        if (block is CodeBlock code and not MathBlock)
        {
            return new MarkdownBlock(MarkdownBlockKind.Code, source, code.Lines.ToString(), (code as FencedCodeBlock)?.Info);
        }

        using var writer = new StringWriter();
        var renderer = new HtmlRenderer(writer);
        _pipeline.Setup(renderer);
        renderer.Render(block);
        var kind = block is Table ? MarkdownBlockKind.Table : MarkdownBlockKind.Html;
        return new MarkdownBlock(kind, source, _sanitizer.Sanitize(writer.ToString()));
    }

    private static MarkdownPipeline CreatePipeline()
    {
        var builder = new MarkdownPipelineBuilder()
            .DisableHtml()
            .UsePipeTables()
            .UseEmphasisExtras()
            .UseAutoLinks()
            .UseTaskLists()
            .UseListExtras()
            .UseMathematics()
            .Use<FormulaExtension>();

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
}
