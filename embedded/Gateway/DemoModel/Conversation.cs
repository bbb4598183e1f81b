using System.Text.Json;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Faults;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>What the demo model takes from the messages.</summary>
/// <param name="System">All system and developer messages.</param>
/// <param name="Question">The last user message.</param>
/// <param name="EarlierQuestion">The user message before it; null in the first turn.</param>
/// <param name="ToolResults">What tools answered since the last question, with the tools' names.</param>
/// <param name="ToolRounds">How often tools were called since then.</param>
internal sealed record Conversation(
    string System, string Question, string? EarlierQuestion, IReadOnlyList<ToolResult> ToolResults, int ToolRounds, int PromptTokens, int EarlierTokens)
{
    private const int TokensPerMessage = 3;
    private const int TokensPerName = 1;
    private const int TokensOfAnswerStart = 3;
    private const int TokensPerImage = 85;

    public static Conversation Of(ChatCompletionRequest request)
    {
        var messages = request.Messages;
        var lastUser = -1;
        for (var i = 0; i < messages.Count; i++)
        {
            lastUser = messages[i].Role == "user" ? i : lastUser;
        }

        string[] questions = [.. messages.Where(message => message.Role == "user").Select(message => TextOf(message.Content))];
        var toolNames = messages.SelectMany(message => message.ToolCalls ?? []).ToLookup(call => call.Id, call => call.Function?.Name);
        // What stood before the last question was sent before, with the answer that followed it.
        var earlier = messages.Take(Math.Max(lastUser, 0)).ToArray();
        return new Conversation(
            string.Join('\n', messages.Where(message => message.Role is "system" or "developer").Select(message => TextOf(message.Content))),
            FaultMarker.Remove(questions.LastOrDefault("")),
            questions.Length > 1 ? FaultMarker.Remove(questions[^2]) : null,
            [.. messages.Skip(lastUser + 1).Where(message => message.Role == "tool")
                .Select(message => new ToolResult(toolNames[message.ToolCallId].LastOrDefault() ?? "tool", TextOf(message.Content)))],
            messages.Skip(lastUser + 1).Count(message => message is { Role: "assistant", ToolCalls.Count: > 0 }),
            messages.Sum(Tokens) + TokensOfAnswerStart + (request.Tools ?? []).Sum(Tokens),
            earlier.Any(message => message.Role == "assistant") ? earlier.Sum(Tokens) : 0);
    }

    /// <summary>By OpenAI's published counting: the role and the content, and 3 for what parts messages.</summary>
    private static int Tokens(ChatMessage message) =>
        TokensPerMessage
        + Tokenizer.Count(message.Role!)
        + Tokenizer.Count(TextOf(message.Content))
        + (message.Name is { } name ? TokensPerName + Tokenizer.Count(name) : 0)
        + (Parts(message.Content).Count(part => PartType(part) is "image_url" or "input_audio" or "file") * TokensPerImage)
        + (message.ToolCalls ?? []).Sum(call => Tokenizer.Count(call.Function?.Name ?? "") + Tokenizer.Count(call.Function?.Arguments ?? ""));

    /// <summary>Its JSON. OpenAI counts another notation, which it does not publish.</summary>
    private static int Tokens(Tool tool) => Tokenizer.Count(JsonSerializer.Serialize(tool, GatewayJson.Wire.Tool));

    /// <summary>The text of a message, whether it is one or in parts.</summary>
    public static string TextOf(JsonElement? content) => content is { ValueKind: JsonValueKind.String } text
        ? text.GetString()!
        : string.Join('\n', Parts(content).Where(part => PartType(part) == "text").Select(part =>
            part.TryGetProperty("text", out var partText) && partText.ValueKind == JsonValueKind.String ? partText.GetString() : ""));

    private static IEnumerable<JsonElement> Parts(JsonElement? content) => content is { ValueKind: JsonValueKind.Array } parts
        ? parts.EnumerateArray().Where(part => part.ValueKind == JsonValueKind.Object)
        : [];

    private static string? PartType(JsonElement part) => part.TryGetProperty("type", out var type) ? type.ToString() : null;
}

/// <param name="Content">JSON or plain text, as the tool gave it.</param>
internal sealed record ToolResult(string Name, string Content);
