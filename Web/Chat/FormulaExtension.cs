using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Helpers;
using Markdig.Parsers;
using Markdig.Parsers.Inlines;
using Markdig.Renderers;
using Markdig.Renderers.Html;

namespace LlmAspire.Web.Chat;

/// <summary>
/// Formulas in TeX, kept from being read as markdown and shown as they are written. Besides Markdig's <c>$…$</c> and
/// <c>$$…$$</c>, which it comes after, it knows <c>\(…\)</c> and <c>\[…\]</c>, which many models write.
/// </summary>
internal sealed class FormulaExtension : IMarkdownExtension
{
    public void Setup(MarkdownPipelineBuilder pipeline) =>
        pipeline.InlineParsers.InsertBefore<EscapeInlineParser>(new BackslashFormulaParser());

    public void Setup(MarkdownPipeline pipeline, IMarkdownRenderer renderer)
    {
        if (renderer is HtmlRenderer html)
        {
            html.ObjectRenderers.ReplaceOrAdd<HtmlMathInlineRenderer>(new FormulaRenderer());
            html.ObjectRenderers.ReplaceOrAdd<HtmlMathBlockRenderer>(new FormulaBlockRenderer());
        }
    }

    /// <summary><c>\(E = mc^2\)</c> in a line, <c>\[E = mc^2\]</c> on its own.</summary>
    private sealed class BackslashFormulaParser : InlineParser
    {
        public BackslashFormulaParser() => OpeningCharacters = ['\\'];

        public override bool Match(InlineProcessor processor, ref StringSlice slice)
        {
            var closing = slice.PeekChar() switch { '(' => "\\)", '[' => "\\]", _ => null };
            if (closing is null)
            {
                return false;
            }

            var start = slice.Start + 2;
            var end = slice.Text.IndexOf(closing, start, slice.End - start + 1, StringComparison.Ordinal);
            if (end < 0)
            {
                return false;
            }

            processor.Inline = new MathInline
            {
                Delimiter = '$',
                DelimiterCount = closing == "\\]" ? 2 : 1,
                Content = new StringSlice(slice.Text, start, end - 1),
            };
            slice.Start = end + 2;
            return true;
        }
    }

    private sealed class FormulaRenderer : HtmlObjectRenderer<MathInline>
    {
        protected override void Write(HtmlRenderer renderer, MathInline formula) => renderer
            .Write(formula.DelimiterCount == 2 ? "<span class=\"formula formula-block\" role=\"math\">" : "<span class=\"formula\" role=\"math\">")
            .WriteEscape(formula.Content.ToString().Trim())
            .Write("</span>");
    }

    private sealed class FormulaBlockRenderer : HtmlObjectRenderer<MathBlock>
    {
        protected override void Write(HtmlRenderer renderer, MathBlock formula) => renderer
            .Write("<div class=\"formula formula-block\" role=\"math\">")
            .WriteEscape(formula.Lines.ToString().Trim())
            .Write("</div>");
    }
}
