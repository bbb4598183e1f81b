namespace LlmAspire.Web.Chat;

/// <summary>A piece of an answer's text, and the calls of tools that follow it.</summary>
internal sealed record AnswerPart(string Text, IReadOnlyList<ToolCall> Tools)
{
    /// <summary>An answer in its order. The last part has no tools: it is what is said after them, and may be empty.</summary>
    public static IReadOnlyList<AnswerPart> Of(string text, IReadOnlyList<ToolCall> tools)
    {
        List<AnswerPart> parts = [];
        var said = 0;
        foreach (var place in tools.GroupBy(call => Math.Clamp(call.At, 0, text.Length)).OrderBy(place => place.Key))
        {
            parts.Add(new AnswerPart(text[said..place.Key], [.. place]));
            said = place.Key;
        }

        parts.Add(new AnswerPart(text[said..], []));
        return parts;
    }
}
