using System.Text.Json;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>Events as they are stored: <c>[{"type":"delta","data":{"text":"Hello"}}]</c>.</summary>
internal sealed record StoredEvent(string Type, JsonElement Data)
{
    public static string Serialize(IEnumerable<ChatEvent> events) => JsonSerializer.Serialize(
        events.Select(data => new StoredEvent(data.EventType, JsonSerializer.SerializeToElement(data, data.GetType(), JsonSerializerOptions.Web))),
        JsonSerializerOptions.Web);

    /// <exception cref="JsonException">An event of a newer version.</exception>
    public static IEnumerable<ChatEvent> Deserialize(string events) =>
        JsonSerializer.Deserialize<StoredEvent[]>(events, JsonSerializerOptions.Web)!.Select(stored => stored.ToEvent());

    private ChatEvent ToEvent() => Type switch
    {
        "run" => Data.Deserialize<RunStarted>(JsonSerializerOptions.Web)!,
        "delta" => Data.Deserialize<AnswerDelta>(JsonSerializerOptions.Web)!,
        "tool" => Data.Deserialize<ToolCall>(JsonSerializerOptions.Web)!,
        "usage" => Data.Deserialize<CallUsage>(JsonSerializerOptions.Web)!,
        "done" => Data.Deserialize<RunDone>(JsonSerializerOptions.Web)!,
        "error" => Data.Deserialize<RunError>(JsonSerializerOptions.Web)!,
        _ => throw new JsonException($"There is no event of the type {Type}."),
    };
}
