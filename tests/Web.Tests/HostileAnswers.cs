using System.Text;

namespace LlmAspire.Web.Tests;

/// <summary>An answer that means harm, or that only a broken model gives.</summary>
/// <param name="Name">What it is, for who reads that a test failed with it.</param>
/// <param name="Unit">Its text, or a part of it: <paramref name="Times"/> such parts are the text.</param>
public sealed record HostileAnswer(string Name, string Unit, int Times = 1)
{
    public string Text { get; } = string.Concat(Enumerable.Repeat(Unit, Times));

    public override string ToString() => Name;
}

/// <summary>Some 200 hostile answers, the same in each run. What runs in one of them sets <c>window.ran</c>; what is loaded is of <c>evil.example</c>.</summary>
public static class HostileAnswers
{
    private const int Megabyte = 1 << 20;

    /// <summary>At the end of every answer that is not repeated: who sees it can read what is before it, too.</summary>
    public const string End = "The end is here.";

    private static readonly int[] Depths = [40, 129, 1_000, 4_000];

    /// <summary>What begins a block within a block.</summary>
    private static readonly string[] BlockNests = ["> ", ">", "- ", "1. ", "> - ", "- > 1. ", "* + - "];

    /// <summary>What begins something within a line, and waits for its end.</summary>
    private static readonly string[] Openers =
    [
        "[", "![", "[a](", "[](", "(", "*a ", "**a ", "_a ", "*a_ ", "a**b", "~~a ", "^a ", "==a ", "++a ", "`", "``a` ", "$a ", "$$a", @"\(a ", @"\[a ", "<a ", "<!--", "&", "&#", "[^1]",
        "|a", "*", "_", "*_~^=+", "<http://a", "www.a.b ", "http://a ", "a@b.c ", "\\",
    ];

    private static readonly string[] Schemes =
    [
        "javascript:window.ran=1", "JaVaScRiPt:window.ran=1", "java\tscript:window.ran=1", "&#106;avascript:window.ran=1", "javascript&colon;window.ran=1", "\u0001javascript:window.ran=1",
        "vbscript:msgbox(1)", "data:text/html,<script>window.ran=1</script>", "data:text/html;base64,PHNjcmlwdD53aW5kb3cucmFuPTE8L3NjcmlwdD4=", "data:image/svg+xml,<svg onload=window.ran=1>",
        "blob:https://evil.example/1", "file:///etc/passwd", "ftp://evil.example/", "//evil.example/x", "http://evil.example/x.png", "https://evil.example/?leak=1", "mailto:a@evil.example",
        "view-source:https://evil.example/", "ws://evil.example/", "about:blank", "chrome://settings", "/sign-out", "?x=1", "#x", "https://evil.example/\" onmouseover=\"window.ran=1",
    ];

    private static readonly string[] Html =
    [
        "<script>window.ran=1</script>", "<script src=https://evil.example/x.js></script>", "<img src=x onerror=window.ran=1>", "<img src=https://evil.example/x.png srcset='https://evil.example/y.png 2x'>",
        "<svg/onload=window.ran=1>", "<svg><script>window.ran=1</script></svg>", "<svg><animate onbegin=window.ran=1 attributeName=x dur=1s>", "<math><mi xlink:href='javascript:window.ran=1'>x</mi></math>",
        "<iframe src=https://evil.example/></iframe>", "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>", "<object data=https://evil.example/></object>", "<embed src=https://evil.example/>",
        "<video src=https://evil.example/x autoplay onerror=window.ran=1></video>", "<audio src=https://evil.example/x autoplay></audio>", "<link rel=stylesheet href=https://evil.example/x.css>",
        "<style>@import url(https://evil.example/x.css); *{display:none!important}</style>", "<div style='background:url(https://evil.example/x.png)'>x</div>", "<base href=https://evil.example/>",
        "<meta http-equiv=refresh content='0;url=https://evil.example/'>", "<form action=https://evil.example/><input autofocus onfocus=window.ran=1></form>", "<details open ontoggle=window.ran=1>x</details>",
        "<body onload=window.ran=1>", "<marquee onstart=window.ran=1>x</marquee>", "<template><script>window.ran=1</script></template>", "<noscript><p title=\"</noscript><img src=x onerror=window.ran=1>\">",
        "<a href='javascript:window.ran=1'>x</a>", "</div></div></main></body></html>", "<!--[if gte IE 4]><script>window.ran=1</script><![endif]-->", "<![CDATA[<script>window.ran=1</script>]]>", "<?php echo 1 ?>",
        "<plaintext>", "<textarea><script>window.ran=1</script>", "<title></title><script>window.ran=1</script>", "<button formaction=javascript:window.ran=1>x</button>",
        "<dialog open>x</dialog>", "<div id=components-reconnect-modal class=components-reconnect-show>x</div>", "<p onclick=window.ran=1 data-testid=send>x</p>",
    ];

    private static readonly string[] Fences =
    [
        "\"><script>window.ran=1</script>", "html onclick=window.ran=1", "{=html}", "mermaid", "math", "\u202ejs", "c++ {.x #y}", new('l', 5_000), "` `", "<img src=x onerror=window.ran=1>",
    ];

    public static IReadOnlyList<HostileAnswer> All { get; } = [.. Answers()];

    private static IEnumerable<HostileAnswer> Answers() =>
        Ended(Nested().Concat(Opened()).Concat(Loaded()).Concat(Crowded()).Concat(Written())).Concat(Huge());

    private static IEnumerable<HostileAnswer> Ended(IEnumerable<HostileAnswer> answers) => answers.Select(answer => answer with { Unit = $"{answer.Unit}\n\n{End}" })
        .Select(answer => new HostileAnswer(answer.Name, answer.Unit));

    private static IEnumerable<HostileAnswer> Nested()
    {
        foreach (var nest in BlockNests)
        {
            foreach (var depth in Depths)
            {
                yield return new($"'{nest}' nested {depth}", Many(nest, depth) + "x");
            }
        }

        yield return new("a list indented 120", Lines(120, i => $"{new string(' ', 2 * i)}- level {i}"));
        yield return new("quotations deeper each line", Lines(200, i => $"{new string('>', i + 1)} level {i}"));
        foreach (var (open, close) in new[] { ("*", "*"), ("**", "**"), ("[", "](https://evil.example/)"), ("![", "](https://evil.example/x.png)"), ("(", ")"), ("~~", "~~"), ("_a ", " a_"), ("`", "`"), ("$", "$") })
        {
            yield return new($"'{open}' closed by '{close}', 200", $"{Many(open, 200)}x{Many(close, 200)}");
        }
    }

    private static IEnumerable<HostileAnswer> Opened()
    {
        foreach (var opener in Openers)
        {
            yield return new($"'{opener}' at the bound", Many(opener, 7_500 / opener.Length));
            yield return new($"'{opener}' beyond the bound", Many(opener, 24_000 / opener.Length));
        }
    }

    private static IEnumerable<HostileAnswer> Loaded()
    {
        foreach (var (index, scheme) in Schemes.Index())
        {
            yield return new(
                $"links and images, scheme {index}",
                $"[link]({scheme}) ![image]({scheme}) [pointy](<{scheme}>) <{scheme}> [reference][r] ![reference][r]\n\n[![both]({scheme})]({scheme})\n\n| [cell]({scheme}) |\n|---|\n| ![cell]({scheme}) |\n\n[r]: {scheme} \"title\"");
        }

        foreach (var (index, html) in Html.Index())
        {
            yield return new($"html {index}", $"{html}\n\ntext {html} text\n\n- {html}\n\n> {html}\n\n| {html} |\n|---|\n| {html} |\n\n`{html}`\n\n[{html}]({html})");
        }

        foreach (var (index, language) in Fences.Index())
        {
            yield return new($"a fence, language {index}", $"```{language}\n<script>window.ran=1</script>\n```");
        }

        yield return new("a fence that stays open", "~~~\n```\n<script>window.ran=1</script>");
        yield return new("formulas", @"$\href{javascript:window.ran=1}{x}$ $$\includegraphics{https://evil.example/x.png}$$ \[</span><script>window.ran=1</script>\] $</span><img src=x onerror=window.ran=1>$");
        yield return new("entities", "&lt;script&gt;window.ran=1&lt;/script&gt; &#60;img src=x onerror=window.ran=1&#62; &#x3c;svg onload=window.ran=1&#x3e; &#0; &#x110000; &#xd800; &NotAnEntity;" + Many("&copy;", 1_000));
        yield return new("attributes", "# Title {#x onclick=window.ran=1 .boot}\n\ntext {onclick=window.ran=1}\n\n[x](https://evil.example/){onclick=window.ran=1 style=position:fixed}");
        yield return new("titles", "[x](https://evil.example/ \"\\\" onmouseover=window.ran=1 \\\"\") [y](https://evil.example/ 'a&quot; onclick=&quot;window.ran=1')");
    }

    private static IEnumerable<HostileAnswer> Crowded()
    {
        yield return new("a table of 700 rows", "| a | b | c |\n|---|---|---|\n" + Lines(700, i => $"| {i} | x | y |"));
        yield return new("a table of 1,500 columns", $"{Many("|a", 1_500)}|\n{Many("|-", 1_500)}|\n{Many("|b", 1_500)}|");
        yield return new("a table without a head", Many("|a|b|c|d|e|f|g|h\n", 500));
        yield return new("tables in each other", Lines(200, i => $"{new string('>', i % 20)} | a | b |\n{new string('>', i % 20)} |---|---|"));
        yield return new("a list of 5,000", Many("- a\n", 5_000));
        yield return new("a numbered list of 3,000", Many("1. a\n", 3_000));
        yield return new("tasks", Many("- [ ] a\n", 3_000));
        yield return new("paragraphs", Many("a\n\n", 8_000));
        yield return new("headings", Many("# a\n", 5_000));
        yield return new("rules", Many("---\n", 5_000));
        yield return new("fences", Many("```\n", 5_000));
        yield return new("definitions", Lines(1_500, i => $"[r{i}]: https://evil.example/{i}"));
        yield return new("a reference to itself", "[a]: [a] \"[a]\"\n\n[a][a][a] ![a][a]");
        yield return new("many references to one", "[r]: https://evil.example/\n\n" + Many("[a][r] ", 1_300));
        yield return new("references to none", Many("[a][b] ", 1_300));
        yield return new("lines of one letter", Many("a\n", 12_000));
        yield return new("lines of nothing", $"a{Many("\n", 20_000)}b");
        yield return new("spaces", Many("     a", 4_000));
        yield return new("tabs", Many("\t", 20_000) + "a");
        yield return new("code of 5,000 lines", "```csharp\n" + Many("a();\n", 5_000) + "```");
        yield return new("code of one line", $"    {Many("a", 25_000)}");
        yield return new("breaks", Many("a  \n", 5_000));
    }

    private static IEnumerable<HostileAnswer> Written()
    {
        yield return new("right to left", "# مرحبا بالعالم\n\nهذا **نص** عربي مع `code` و English في الوسط (1, 2, 3).\n\n- שלום **עולם**\n- 1. a שלום b\n\n| عمود | b |\n|---|---|\n| نص | x |\n\n> اقتباس");
        foreach (var control in new[] { '\u202e', '\u202d', '\u202b', '\u2066', '\u2067', '\u2068', '\u200f', '\u061c' })
        {
            yield return new($"bidi U+{(int)control:X4}, never closed", $"{control}abc **{control}def** `{control}ghi`\n\n```\n{control}if (admin) {{ \u2066// x\n```\n\n{Many($"{control}a", 2_000)}");
        }

        yield return new("zero width", $"a{Many("\u200b\u200c\u200d\u2060\ufeff", 4_000)}b **\u200b** [\u200b](https://evil.example/)");
        yield return new("marks upon marks", $"a{Many("\u0301\u0489\u0336", 6_000)}");
        yield return new("families", Many("\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67\u200d\ud83d\udc66", 1_500));
        yield return new("flags", Many("\ud83c\udde9\ud83c\uddea", 5_000));
        yield return new("half characters", $"a\ud800b\udc00c **\ud83d** `\ude00` [\ud800](https://evil.example/\udc00) {Many("\ud800", 5_000)}");
        yield return new("no characters", "a\ufffe\uffff\U0010ffff\ufdd0b \u0001\u0007\u001b[31m \u007f\u0085\u2028\u2029c");
        yield return new("NUL", "a\0b **\0** `\0`");
        yield return new("carriage returns", "a\rb\r\rc\r\nd\n\re **f\rg**");
        yield return new("one word", Many("Donaudampfschiff", 1_900));
        yield return new("ideographs", Many("漢", 24_000));
        yield return new("ligatures", Many("ﷺ", 3_000));
        yield return new("invisible letters", Many("\u3164\u115f\u2800", 3_000));
        yield return new("tags", string.Concat("ignore".Select(letter => char.ConvertFromUtf32(0xe0000 + letter))) + Many("\U000e0041", 3_000));
    }

    private static IEnumerable<HostileAnswer> Huge()
    {
        foreach (var unit in new[] { "a", "漢", "> ", "- a\n", "word\n\n", "[", "*a ", "|a", "word " })
        {
            var part = Many(unit, 16_000 / unit.Length);
            yield return new($"a megabyte of '{unit.TrimEnd(' ')}'", part, Megabyte / part.Length);
        }

        yield return new("a megabyte of code", "```\n" + Many("a", 16_000 - 4), Megabyte / 16_000);
    }

    private static string Many(string unit, int times) => new StringBuilder(unit.Length * times).Insert(0, unit, times).ToString();

    private static string Lines(int count, Func<int, string> line) => string.Join('\n', Enumerable.Range(0, count).Select(line));
}
