using System.Text;
using System.Text.RegularExpressions;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>
/// English prose of any length, about a town by the sea: as varied as what people read, unlike a sentence repeated, so that tokens can be estimated
/// from it as from any other. <c>Prose.txt</c> holds its paragraphs, some 3,100 tokens; <c>{this|that}</c> is a choice in them.
/// </summary>
internal static partial class Prose
{
    private static readonly Lazy<string[]> Paragraphs = new(Read);

    private static readonly string[] Returns =
    [
        "That was one year. The next was much the same, and yet it was not.",
        "So it was then. Whoever comes back later finds most of it as it was, and a few things changed.",
        "Others tell it differently, and begin somewhere else.",
    ];

    /// <summary>At least so many tokens, in whole paragraphs. The same seed tells the same.</summary>
    public static string Write(int tokens, Random random)
    {
        var text = new StringBuilder();
        var count = 0;
        while (true)
        {
            // Each time round in another order and with other choices.
            var order = Paragraphs.Value.ToArray();
            random.Shuffle(order);
            foreach (var paragraph in order)
            {
                var chosen = Choice().Replace(paragraph, match => Pick(match.Groups[1].Value.Split('|'), random));
                count += Tokenizer.Count(chosen);
                text.Append(chosen);
                if (count >= tokens)
                {
                    return text.ToString();
                }

                text.Append("\n\n");
            }

            text.Append(Pick(Returns, random)).Append("\n\n");
        }
    }

    private static string Pick(string[] variants, Random random) => variants[random.Next(variants.Length)];

    private static string[] Read()
    {
        using var reader = new StreamReader(typeof(Prose).Assembly.GetManifestResourceStream("Prose.txt")!);
        return reader.ReadToEnd().ReplaceLineEndings("\n").Split("\n\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    [GeneratedRegex(@"\{([^{}]+)\}")]
    private static partial Regex Choice();
}
