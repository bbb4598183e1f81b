using AngleSharp.Html.Parser;
using LlmAspire.Web.Chat;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmAspire.Web.Tests;

public class MarkdownRendererTests
{
    private readonly MarkdownRenderer _renderer = new(NullLogger<MarkdownRenderer>.Instance);

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("<img src=x onerror=alert(1)>")]
    [InlineData("text <svg/onload=alert(1)> text")]
    [InlineData("<iframe src=https://evil.example></iframe>")]
    [InlineData("<a href=\"javascript:alert(1)\">x</a>")]
    [InlineData("[x](javascript:alert(1))")]
    [InlineData("[x](JaVaScRiPt:alert(1))")]
    [InlineData("[x](data:text/html;base64,PHNjcmlwdD4=)")]
    [InlineData("[x](vbscript:x)")]
    [InlineData("<javascript:alert(1)>")]
    [InlineData("![x](https://evil.example/?leak=1)")]
    [InlineData("![x][i]\n\n[i]: https://evil.example/i.png")]
    [InlineData("| a |\n|---|\n| <img src=x onerror=alert(1)> |")]
    [InlineData("[x](https://a.example \"t\\\" onmouseover=alert(1) \\\"\")")]
    [InlineData("$</span><script>alert(1)</script>$")]
    [InlineData("\\[<img src=x onerror=alert(1)>\\]")]
    [InlineData("```\"><script>alert(1)</script>\nx\n```")]
    [InlineData("- [x](javascript:alert(1))\n  - <style>*{display:none}</style>")]
    public void hostile_markdown_makes_nothing_that_runs_or_loads(string markdown)
    {
        foreach (var block in _renderer.Render(markdown).Blocks.Where(block => block.Kind != MarkdownBlockKind.Code))
        {
            var document = new HtmlParser().ParseDocument(block.Content);
            var elements = document.Body!.QuerySelectorAll("*");
            Assert.DoesNotContain(elements, element => element.LocalName is "script" or "img" or "svg" or "iframe" or "style" or "object" or "form");
            Assert.DoesNotContain(elements.SelectMany(element => element.Attributes), attribute => attribute.Name.StartsWith("on", StringComparison.Ordinal));
            Assert.All(
                elements.Select(element => element.GetAttribute("href")).OfType<string>(),
                href => Assert.Matches("^(https?://|mailto:)", href));
        }
    }

    [Theory]
    [InlineData("**b** and *i*", "<p><strong>b</strong> and <em>i</em></p>")]
    [InlineData("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>")]
    [InlineData("3. a\n4. b", "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>")]
    [InlineData("`<b>`", "<p><code>&lt;b&gt;</code></p>")]
    [InlineData("Title\n-", "<p>Title\n-</p>")]
    [InlineData("from $5 to $10", "<p>from $5 to $10</p>")]
    [InlineData("$E = mc^2$", "<p><span class=\"formula\" role=\"math\">E = mc^2</span></p>")]
    [InlineData(@"so \(a_1 * b_1 * c\) holds", "<p>so <span class=\"formula\" role=\"math\">a_1 * b_1 * c</span> holds</p>")]
    [InlineData(@"an \( that stays open", "<p>an ( that stays open</p>")]
    [InlineData("\\[\na < b\n\\]", "<p><span class=\"formula formula-block\" role=\"math\">a &lt; b</span></p>")]
    [InlineData("$$\nx^2\n$$", "<div class=\"formula formula-block\" role=\"math\">x^2</div>")]
    [InlineData("![d](https://a.example/)", "<p><a href=\"https://a.example/\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">d</a></p>")]
    [InlineData("[d](https://a.example/)", "<p><a href=\"https://a.example/\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">d</a></p>")]
    public void markdown_becomes_html(string markdown, string html) =>
        Assert.Equal(html, string.Concat(_renderer.Render(markdown).Blocks.Select(block => block.Content)).Trim());

    [Fact]
    public void a_table_keeps_its_alignment()
    {
        var table = Assert.Single(_renderer.Render("| a | n |\n|---|---:|\n| x | 1 |").Blocks);

        Assert.Equal(MarkdownBlockKind.Table, table.Kind);
        var cells = new HtmlParser().ParseDocument(table.Content).QuerySelectorAll("td");
        Assert.Equal(["x", "1"], cells.Select(cell => cell.TextContent));
        Assert.Equal("text-align: right", cells[1].GetAttribute("style"));
    }

    [Theory]
    [InlineData("```csharp\nvar x = \"<b>\";\n```")]
    [InlineData("```csharp\nvar x = \"<b>\";")]
    public void a_fence_is_plain_code_also_before_it_is_closed(string markdown)
    {
        var code = Assert.Single(_renderer.Render(markdown).Blocks);

        Assert.Equal((MarkdownBlockKind.Code, "var x = \"<b>\";", "csharp"), (code.Kind, code.Content, code.Language));
    }

    [Fact]
    public void while_text_grows_only_its_last_block_is_made_anew()
    {
        const string Text = "# Title\n\nA *paragraph*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```sql\nselect 1;\n```\n\n1. one\n2. two\n\nThe end.";
        var shown = RenderedMarkdown.Empty;
        var made = new HashSet<MarkdownBlock>(ReferenceEqualityComparer.Instance);
        for (var length = 1; length <= Text.Length; length++)
        {
            var next = _renderer.Render(Text[..length], shown);
            var changed = next.Blocks.Where(block => made.Add(block)).ToList();
            Assert.True(changed.Count <= 1, $"{changed.Count} blocks were rendered after {length} characters");
            shown = next;
        }

        Assert.Equal(_renderer.Render(Text).Blocks, shown.Blocks);
    }

    [Fact]
    public void a_definition_at_the_end_reaches_a_link_at_the_start_once_everything_is_there()
    {
        const string Start = "See [the docs][d].\n\n";
        var streamed = _renderer.Render(Start);
        Assert.DoesNotContain("href", streamed.Blocks[0].Content);

        var whole = _renderer.Render(Start + "[d]: https://docs.example/");

        Assert.Contains("href=\"https://docs.example/\"", whole.Blocks[0].Content);
    }
}
