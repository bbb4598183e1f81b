using System.Text.Json;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// What a message says, in whichever form: a text, or parts, as Mistral's thinking models have it:
/// <code>
/// [{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"Alpha beta"}]
/// </code>
/// </summary>
internal static class ContentParts
{
    /// <returns>The text, with halves of characters as they came; empty when there is none.</returns>
    public static string Text(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => JsonText.Decode(content),
        JsonValueKind.Array => string.Concat(content.EnumerateArray().Select(Text)),
        JsonValueKind.Object when content.TryGetProperty("text", out var text) => Text(text),
        _ => "",
    };

    /// <returns>What was thought; null when nothing was.</returns>
    public static string? Thoughts(JsonElement content) =>
        content.ValueKind == JsonValueKind.Array && string.Concat(content.EnumerateArray().Select(ThoughtsOfPart)) is { Length: > 0 } thoughts ? thoughts : null;

    private static string ThoughtsOfPart(JsonElement part) =>
        part.ValueKind == JsonValueKind.Object && part.TryGetProperty("thinking", out var thinking) ? Text(thinking) : "";
}
