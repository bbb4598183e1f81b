using System.Text.Json;
using LlmAspire.Api.Tools;
using Microsoft.Extensions.AI;

namespace LlmAspire.Api.Chat;

/// <summary>The calls of tools of an answer, as they are stored: a JSON list of the events <c>tool</c>, of which the last of each call counts.</summary>
internal static class ToolCalls
{
    private const string EndUnknown = "The call was cut off; whether the tool did anything is not known.";

    public static string? Serialize(IReadOnlyCollection<ToolCall> calls) => calls.Count == 0 ? null : JsonSerializer.Serialize(calls, JsonSerializerOptions.Web);

    /// <param name="isOver">Whether the answer is: then no tool runs any more.</param>
    public static IReadOnlyList<ToolCall> Read(string? json, bool isOver) =>
        json is null ? [] : Fold(JsonSerializer.Deserialize<List<ToolCall>>(json, JsonSerializerOptions.Web)!, isOver);

    /// <inheritdoc cref="Read"/>
    /// <returns>Each once, in the order in which they were asked for.</returns>
    public static IReadOnlyList<ToolCall> Fold(IEnumerable<ToolCall> events, bool isOver) =>
        [.. events.GroupBy(call => (call.Round, call.CallId)).Select(call => call.Last())
            .Select(call => isOver && call.State == ToolCallState.Called ? call with { State = ToolCallState.Stopped } : call)];

    /// <summary>An answer as a model reads it: what it said and called, what the tools told it, and so on.</summary>
    public static IEnumerable<ChatMessage> ToMessages(string content, IReadOnlyList<ToolCall> calls)
    {
        var said = 0;
        foreach (var round in calls.GroupBy(call => call.Round).OrderBy(round => round.Key))
        {
            var at = Math.Clamp(round.First().At, said, content.Length);
            List<AIContent> asked = at > said ? [new TextContent(content[said..at])] : [];
            asked.AddRange(round.Select(call => new FunctionCallContent(call.CallId, ToolNames.ForModel(call.Name), ArgumentsOf(call))));
            yield return new ChatMessage(ChatRole.Assistant, asked);
            yield return new ChatMessage(ChatRole.Tool, [.. round.Select(call => new FunctionResultContent(call.CallId, call.Result ?? EndUnknown))]);
            said = at;
        }

        if (said < content.Length)
        {
            yield return new ChatMessage(ChatRole.Assistant, content[said..]);
        }
    }

    private static Dictionary<string, object?> ArgumentsOf(ToolCall call)
    {
        try
        {
            return call.Arguments is null ? [] : JsonSerializer.Deserialize<Dictionary<string, object?>>(call.Arguments) ?? [];
        }
        catch (JsonException)
        {
            // They were too long, and cut.
            return [];
        }
    }
}
