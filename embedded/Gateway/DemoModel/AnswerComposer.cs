using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>Puts the sections of an answer together: what the question's kind asks for, in an order and wording that the seed chooses.</summary>
internal static class AnswerComposer
{
    private const int MaxQuoted = 80;

    public static string Compose(Conversation conversation, Random random)
    {
        var topic = Topic.Of(conversation.Question, conversation.System);
        if (conversation.ToolResults.Count > 0)
        {
            return Join([.. conversation.ToolResults.Select(ToolSection), $"That is what the tools say about **{topic.Subject}**. {Signature}"]);
        }

        return topic.Intent switch
        {
            not (Intent.Title or Intent.SystemPrompt) when Instructed(conversation.System) is { Length: > 0 } instructed =>
                Join([instructed, Compose(conversation with { System = "" }, random)]),
            Intent.Greeting => $"{Pick(random, "Hello!", "Hi there!", "Good to see you!")} {Signature} What would you like to talk about?",
            Intent.Thanks => $"{Pick(random, "You are welcome!", "Glad it helped!", "Any time!")} Ask on whenever you like. {Signature}",
            Intent.AboutModel => About,
            Intent.Title => Title(Topic.Of(AskedIn(conversation.Question))),
            Intent.SystemPrompt => PromptMaterial.Of(conversation.Question).Draft(),
            _ when topic.Brief => Join([Earlier(conversation), Sections.InOneSentence(topic, random), Signature]),
            _ => Full(conversation, topic, random),
        };
    }

    private const string Signature = "*(I am the built-in demo model: no provider was called, so take this as a sample of the form, not as advice.)*";

    private const string About =
        """
        I am the **built-in demo model** of this stack. I run without any provider key, so that the first chat always answers:

        - I read your question's key words and answer on its topic, in varied Markdown;
        - I call a tool when one is offered and you ask for it;
        - with the same seed I always say the same.

        I do not *know* anything. For a real model put a provider key, such as `OPENAI_API_KEY`, into `.env` and start again.
        """;

    private static string Full(Conversation conversation, Topic topic, Random random)
    {
        List<Func<Topic, Random, string>> body = topic.Intent switch
        {
            Intent.Code => [Sections.Code, Sections.KeyPoints, Sections.Table],
            Intent.Compare => [Sections.Comparison, Sections.KeyPoints, Sections.Choice],
            Intent.Steps => topic.Technical ? [Sections.Steps, Sections.Code, Sections.Pitfalls] : [Sections.Steps, Sections.KeyPoints, Sections.Pitfalls],
            Intent.Formula => [Sections.Formula, Sections.Steps, Sections.Table],
            _ => Explanation(topic, random),
        };
        body.AddRange(Wished(topic).Where(section => !body.Contains(section)).ToArray());
        return Join([
            Earlier(conversation),
            Sections.Opening(topic, random),
            .. body.Select(section => section(topic, random)),
            Sections.InOneSentence(topic, random),
            Signature]);
    }

    /// <summary>The key points, and two of the other kinds of section.</summary>
    private static List<Func<Topic, Random, string>> Explanation(Topic topic, Random random)
    {
        Func<Topic, Random, string>[] kinds = topic.Technical
            ? [Sections.Table, Sections.Steps, Sections.Formula, Sections.Code, Sections.Pitfalls]
            : [Sections.Table, Sections.Steps, Sections.Pitfalls];
        random.Shuffle(kinds);
        return [Sections.KeyPoints, .. kinds.Take(2)];
    }

    private static IEnumerable<Func<Topic, Random, string>> Wished(Topic topic)
    {
        (Wishes Wish, Func<Topic, Random, string> Section)[] sections =
            [(Wishes.Table, Sections.Table), (Wishes.Code, Sections.Code), (Wishes.Formula, Sections.Formula), (Wishes.Steps, Sections.Steps)];
        return sections.Where(section => topic.Wishes.HasFlag(section.Wish)).Select(section => section.Section);
    }

    /// <summary>Shows that the system prompt came, by its first line.</summary>
    private static string Instructed(string system)
    {
        var line = system.Trim().Split('\n', 2)[0].Trim();
        return line.Length == 0 ? "" : $"*(My system prompt begins: “{(line.Length > MaxQuoted ? $"{line[..MaxQuoted]}…" : line)}”)*";
    }

    private static string Earlier(Conversation conversation) => conversation.EarlierQuestion is { } earlier
        ? $"Going on from your earlier question about *{Topic.Of(earlier).Subject}*:"
        : "";

    /// <summary>What the user said in "User: …", "Assistant: …"; the whole text when it is no such transcript.</summary>
    private static string AskedIn(string text) =>
        text.StartsWith("User: ", StringComparison.Ordinal) ? text["User: ".Length..].Split("\n\nAssistant: ", 2)[0] : text;

    private static string Title(Topic topic) => string.Join(' ', topic.Keywords.Take(5).Select(Sections.Capitalised));

    /// <summary>A JSON object becomes a table, anything else a quotation.</summary>
    private static string ToolSection(ToolResult result)
    {
        if (AsObject(result.Content) is not { Count: > 0 } members)
        {
            return $"The tool `{result.Name}` answered:\n\n> {result.Content.ReplaceLineEndings("\n> ")}";
        }

        var rows = members.Select(member => $"| {member.Key} | {Shortened(member.Value?.ToString() ?? "none")} |");
        return $"The tool `{result.Name}` answered:\n\n| Field | Value |\n| --- | --- |\n{string.Join('\n', rows)}";
    }

    private static JsonObject? AsObject(string content)
    {
        try
        {
            return JsonNode.Parse(content) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Shortened(string text) =>
        (text.Length > MaxQuoted ? $"{text[..MaxQuoted]}…" : text).Replace('\n', ' ').Replace("|", "\\|", StringComparison.Ordinal);

    private static string Join(IEnumerable<string> sections) => string.Join("\n\n", sections.Where(section => section.Length > 0));

    private static string Pick(Random random, params ReadOnlySpan<string> variants) => variants[random.Next(variants.Length)];
}
