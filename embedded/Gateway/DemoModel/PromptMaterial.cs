using System.Text.RegularExpressions;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>What a system prompt is to be made of: the parts of a message such as <c>&lt;input name="description"&gt; … &lt;/input&gt;</c>.</summary>
internal sealed partial record PromptMaterial(string Description, string Existing, string Instructions, string Language)
{
    /// <summary>A message without parts is a description.</summary>
    public static PromptMaterial Of(string message)
    {
        var parts = Part().Matches(message).ToLookup(match => match.Groups["name"].Value, match => match.Groups["text"].Value.Trim());
        return parts.Count == 0
            ? new PromptMaterial(message, "", "", "")
            : new PromptMaterial(Text("description"), Text("existing"), Text("instructions"), Text("language"));

        string Text(string name) => parts[name].FirstOrDefault("");
    }

    /// <summary>A draft: the existing prompt with what was asked of it, or one on the description's topic.</summary>
    public string Draft()
    {
        string[] wishes =
        [
            .. Instructions.Length > 0 ? [$"- Mind this: {Instructions.ReplaceLineEndings(" ").TrimEnd('.')}."] : Array.Empty<string>(),
            .. Language.Length > 0 ? [$"- Answer in {Language}."] : Array.Empty<string>(),
        ];
        if (Existing.Length > 0)
        {
            return string.Join('\n', [Existing, "", .. wishes.Length > 0 ? wishes : ["- Say so when you do not know, and ask back when a request is unclear."]]);
        }

        var topic = Topic.Of(Description);
        return string.Join('\n',
        [
            $"You are a careful assistant. Your field: {topic.Subject}.",
            "",
            $"- Answer questions about {Sections.Enumerate(topic.Keywords)} precisely, and say when you do not know.",
            "- Ask back when a request can be understood in more than one way.",
            "- Prefer short paragraphs, lists and examples; put code into fenced blocks.",
            "- Stay on the subject, and keep personal data out of your answers.",
            .. wishes,
            "",
            "(Drafted by the built-in demo model.)",
        ]);
    }

    [GeneratedRegex("""<(?<mark>[\w-]+) name="(?<name>\w+)">\n(?<text>.*?)\n</\k<mark>>""", RegexOptions.Singleline)]
    private static partial Regex Part();
}
