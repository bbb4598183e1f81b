using System.Runtime.InteropServices;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>The sections answers are made of. Each is Markdown and speaks of the topic by its key words.</summary>
internal static class Sections
{
    public static string Opening(Topic topic, Random random) => Pick(
        random,
        $"Here is a compact look at **{topic.Subject}**.",
        $"Let us take **{topic.Subject}** apart, from the outside in.",
        $"A good way into **{topic.Subject}** is to look at what it is for, and then at what it costs.",
        $"Happy to: **{topic.Subject}** comes down to a few ideas that belong together.");

    public static string InOneSentence(Topic topic, Random random) => Pick(
        random,
        $"> **In one sentence:** start {Key(topic, 0)} small, measure it, and let the figures decide the next step.",
        $"> **In one sentence:** reach for {topic.Subject} where {Key(topic, -1)} matters, and leave it out where it does not.",
        $"> **In one sentence:** begin with {Key(topic, 0)}; the rest of {topic.Subject} follows from there.");

    public static string KeyPoints(Topic topic, Random random)
    {
        List<string> points =
        [
            $"- Get **{Key(topic, 0)}** right first: everything else about {topic.Subject} leans on it.",
            $"- Keep **{Key(topic, 1)}** explicit. What is implied today is a surprise tomorrow.",
            $"- Measure `{Key(topic, -1)}` before and after a change, under the same conditions.",
            $"- With {topic.Subject} the boring way is the right one until a figure asks for another.",
        ];
        if (topic.Keywords.Count > 1)
        {
            points.Add($"- Where *{Key(topic, 1)}* meets *{Key(topic, 0)}*, expect most of the questions.\n  - Write the rule down.\n  - Give one example that shows it.");
        }

        random.Shuffle(CollectionsMarshal.AsSpan(points));
        return $"## {Pick(random, "Key points", "What matters", "The essentials")}\n\n{string.Join('\n', points.Take(3 + random.Next(2)))}";
    }

    public static string Steps(Topic topic, Random random)
    {
        string[] middle =
        [
            $"Make the smallest version of {Key(topic, 1)} that can fail.",
            $"Change one thing about {Key(topic, 0)} at a time.",
            $"Note what you expect of {topic.Subject}, then look.",
            $"Show {topic.Subject} to somebody who will have to live with it.",
        ];
        random.Shuffle(middle);
        string[] steps = [$"Say in one line what you want from **{topic.Subject}**.", .. middle.Take(3), $"Keep what worked for {Key(topic, -1)}, and delete the rest."];
        return $"## {Pick(random, "Step by step", "A way to go", "How to proceed")}\n\n{string.Join('\n', steps.Select((step, index) => $"{index + 1}. {step}"))}";
    }

    public static string Table(Topic topic, Random random)
    {
        var rows = string.Concat(topic.Keywords.Take(4).Select(keyword =>
            $"\n| {Cell(keyword)} | {Pick(random, "the start", "every change", "the handover", "growth")} | {Pick(random, "low", "medium", "high")} | {5 * random.Next(1, 20)} % |"));
        return $"## {Pick(random, "At a glance", "Overview", "In figures")} (made up)\n\n| Part | Shows at | Effort | Share |\n| --- | --- | :---: | ---: |{rows}";
    }

    public static string Comparison(Topic topic, Random random)
    {
        var (first, second) = topic.Alternatives ?? (Key(topic, 0), Key(topic, 1));
        return $"""
            ## {Capitalised(first)} or {second}

            | | {Cell(first)} | {Cell(second)} |
            | --- | --- | --- |
            | Strong at | the common case | the unusual case |
            | Price | little at first, more with size | more at first, steady with size |
            | Learning it | {Pick(random, "an afternoon", "a day")} | {Pick(random, "a week", "a fortnight")} |
            | Choose it when | you start | you know your figures |
            """;
    }

    public static string Choice(Topic topic, Random random)
    {
        var (first, second) = topic.Alternatives ?? (Key(topic, 0), Key(topic, 1));
        return $"### Which one?\n\n{Pick(
            random,
            $"Take **{first}** unless a measurement says otherwise; moving to **{second}** later costs less than starting with the wrong one.",
            $"If you cannot say in a sentence why you need **{second}**, you want **{first}**.")}";
    }

    public static string Pitfalls(Topic topic, Random random) =>
        $"### {Pick(random, "Pitfalls", "Where it goes wrong", "Beware of")}\n\n"
        + $"- Tuning **{Key(topic, 0)}** before there is a figure.\n"
        + $"- Two places that both decide about {Key(topic, 1)}.\n"
        + $"- ~~It worked once~~ is no test of {Key(topic, -1)}.";

    public static string Formula(Topic topic, Random random) => Pick(
        random,
        $$"""
        ## The arithmetic

        Let $n$ be the number of trials of {{Key(topic, 0)}} and $x_i$ the outcome of each. The mean is

        $$
        \bar{x} = \frac{1}{n} \sum_{i=1}^{n} x_i
        $$

        and its uncertainty falls only with $\sqrt{n}$: four times the work halves it.
        """,
        $"""
        ## The arithmetic

        For anything that waits in a queue, {Key(topic, 0)} included, Little's law holds: with the rate $\lambda$ and the time $W$ that each one stays,

        $$
        L = \lambda W
        $$

        so at $\lambda = 20$ per second and $W = 0.3$ s there are $L = 6$ at once.
        """,
        $$"""
        ## The arithmetic

        If each of $k$ parts of {{Key(topic, 0)}} works with probability $p$, all work together with

        $$
        P = p^k, \qquad 0.99^{10} \approx 0.904
        $$

        which is why many good parts make a mediocre whole.
        """);

    public static string Code(Topic topic, Random random) => $"## {Pick(random, "In code", "An example", "A sketch")}\n\n{CodeBlock(topic, random)}";

    /// <summary>"a, b and c".</summary>
    public static string Enumerate(IReadOnlyList<string> words) =>
        words.Count < 2 ? words[0] : $"{string.Join(", ", words.Take(words.Count - 1))} and {words[^1]}";

    public static string Capitalised(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static string CodeBlock(Topic topic, Random random)
    {
        var type = Identifier(Key(topic, 0));
        var member = Identifier(Key(topic, 1));
        var limit = 5 * random.Next(1, 20);
        return topic.Language switch
        {
            "python" =>
                $"""
                ```python
                from dataclasses import dataclass


                @dataclass(frozen=True)
                class {type}:
                    name: str
                    {member.ToLowerInvariant()}: int = {limit}

                    def is_large(self) -> bool:
                        return self.{member.ToLowerInvariant()} > {limit}
                ```
                """,
            "typescript" =>
                $$"""
                ```typescript
                interface {{type}} {
                  name: string;
                  {{Camel(member)}}: number;
                }

                const isLarge = (item: {{type}}): boolean => item.{{Camel(member)}} > {{limit}};
                ```
                """,
            "sql" =>
                $"""
                ```sql
                SELECT name, count(*) AS {member.ToLowerInvariant()}
                FROM {type.ToLowerInvariant()}
                WHERE created_at > now() - interval '{limit} days'
                GROUP BY name
                ORDER BY {member.ToLowerInvariant()} DESC;
                ```
                """,
            "bash" =>
                $"""
                ```bash
                #!/usr/bin/env bash
                set -euo pipefail

                {type.ToLowerInvariant()}="$1"
                head -n {limit} "${type.ToLowerInvariant()}" | sort | uniq -c
                ```
                """,
            _ =>
                $$"""
                ```csharp
                public sealed record {{type}}(string Name, int {{Other(member, type)}})
                {
                    public bool IsLarge => {{Other(member, type)}} > {{limit}};
                }
                ```
                """,
        };
    }

    /// <summary>The key word at this place, counted round; negative from the end.</summary>
    private static string Key(Topic topic, int index) => topic.Keywords[((index % topic.Keywords.Count) + topic.Keywords.Count) % topic.Keywords.Count];

    private static string Identifier(string word)
    {
        var letters = string.Concat(word.Where(char.IsAsciiLetterOrDigit));
        return letters.Length > 0 && char.IsAsciiLetter(letters[0]) ? Capitalised(letters) : "Item";
    }

    /// <summary>A C# member cannot have the name of its type.</summary>
    private static string Other(string member, string type) => member == type ? "Amount" : member;

    private static string Camel(string identifier) => char.ToLowerInvariant(identifier[0]) + identifier[1..];

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static string Pick(Random random, params ReadOnlySpan<string> variants) => variants[random.Next(variants.Length)];
}
