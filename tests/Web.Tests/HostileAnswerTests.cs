using AngleSharp.Html.Parser;
using LlmAspire.Web.Chat;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmAspire.Web.Tests;

/// <summary>What the page makes of <see cref="HostileAnswers"/>. Costs are counted, not timed: what is parsed, and what is sent to the browser.</summary>
public class HostileAnswerTests
{
    private static readonly MarkdownRenderer Renderer = new(NullLogger<MarkdownRenderer>.Instance);

    public static TheoryData<string> Names => [.. HostileAnswers.All.Select(answer => answer.Name)];

    [Fact]
    public void there_are_some_200_of_them()
    {
        Assert.InRange(HostileAnswers.All.Count, 200, 250);
        Assert.Equal(HostileAnswers.All.Count, HostileAnswers.All.Select(answer => answer.Name).Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void it_is_shown_within_the_bounds_and_nothing_in_it_runs_or_loads(string name)
    {
        var text = Find(name).Text;

        var shown = Renderer.Render(text);

        Assert.NotEmpty(shown.Blocks);
        Assert.InRange(shown.Blocks.Where(block => block.Kind != MarkdownBlockKind.Plain).Sum(block => block.Elements), 0, MarkdownBounds.MaxElements);
        Assert.All(shown.Blocks.Where(block => block.Kind == MarkdownBlockKind.Plain), block => Assert.InRange(block.Content.Length, 1, PlainText.PieceLength));
        Assert.True(text.Length <= MarkdownBounds.MaxMarkdown || shown.Blocks.Count(block => block.Kind == MarkdownBlockKind.Plain) > 100 || shown.Blocks is [{ Kind: MarkdownBlockKind.Code }, ..]);
        var words = string.Concat(shown.Blocks.Select(TextOf));
        if (text.EndsWith(HostileAnswers.End, StringComparison.Ordinal))
        {
            Assert.Contains(HostileAnswers.End, words);
        }
        else
        {
            Assert.True(words.Length > text.Length / 4, $"{words.Length} of {text.Length} characters are shown");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void while_it_streams_only_its_end_is_parsed_and_only_its_last_block_is_made(string name)
    {
        var text = Find(name).Text;
        var step = Math.Max(7, text.Length / 10);
        var shown = RenderedMarkdown.Empty;
        for (var length = step; ; length = Math.Min(length + step, text.Length))
        {
            var next = Renderer.Render(text[..length], shown);
            // What was settled stays, as the same objects; what is not settled is one block, or two of which one is a line that is not whole.
            var (from, settled) = shown.Settled();
            Assert.Equal(from, next.ParsedFrom);
            Assert.True(settled.Zip(next.Blocks).All(pair => ReferenceEquals(pair.First, pair.Second)));
            Assert.InRange(shown.Blocks.Skip(settled.Count).Select(block => block.Start).Distinct().Count(), 0, 2);
            shown = next;
            if (length == text.Length)
            {
                break;
            }
        }

        Assert.Equal(text, shown.Text);
        Assert.NotEmpty(shown.Blocks);
    }

    private static HostileAnswer Find(string name) => HostileAnswers.All.Single(answer => answer.Name == name);

    /// <summary>What a reader sees of a block, once it is sure that it does no harm.</summary>
    private static string TextOf(MarkdownBlock block)
    {
        if (block.Kind is MarkdownBlockKind.Code or MarkdownBlockKind.Plain)
        {
            return block.Content;
        }

        var body = new HtmlParser().ParseDocument(block.Content).Body!;
        var elements = body.QuerySelectorAll("*");
        Assert.DoesNotContain(elements, element => element.LocalName is not (
            "a" or "blockquote" or "br" or "code" or "del" or "div" or "em" or "h1" or "h2" or "h3" or "h4" or "h5" or "h6" or "hr" or "input" or "ins" or "li" or "mark" or "ol"
            or "p" or "pre" or "span" or "strong" or "sub" or "sup" or "table" or "tbody" or "td" or "th" or "thead" or "tr" or "ul"));
        Assert.DoesNotContain(elements.SelectMany(element => element.Attributes), attribute => attribute.Name is not (
            "checked" or "class" or "disabled" or "href" or "rel" or "role" or "start" or "style" or "target" or "title" or "type"));
        Assert.All(elements.Select(element => element.GetAttribute("style")).OfType<string>(), style => Assert.StartsWith("text-align: ", style));
        return body.TextContent;
    }
}
