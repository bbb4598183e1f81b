using System.Text.Json.Serialization;
using LlmAspire.Usage;

namespace LlmAspire.Api.Conversations.Data;

/// <summary>A message of a conversation. Messages with the same parent are branches.</summary>
public sealed class Message : IOwned
{
    public Guid Id { get; init; }

    public Guid ConversationId { get; init; }

    public Guid OrgId { get; init; }

    public Guid UserId { get; init; }

    /// <summary>The message that it follows; null at the beginning of the conversation.</summary>
    public Guid? ParentId { get; init; }

    public MessageRole Role { get; init; }

    public required string Content { get; init; }

    /// <summary>The alias that answered, or was asked.</summary>
    public string? Model { get; init; }

    public MessageStatus Status { get; init; }

    public string? FinishReason { get; init; }

    /// <summary>Why the answer failed or was interrupted, as in the event <c>error</c>: JSON.</summary>
    public string? Error { get; init; }

    /// <summary>What the calls of this answer used, as in the events <c>usage</c>: a JSON list.</summary>
    public string? Usage { get; init; }

    /// <summary>The calls of tools, as in the events <c>tool</c>: a JSON list, of which the last of each call counts; null without any.</summary>
    public string? Tools { get; init; }

    public string? TraceId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Who said it. Stored in lower case.</summary>
[JsonConverter(typeof(EnumNameConverter<MessageRole>))]
public enum MessageRole
{
    [JsonStringEnumMemberName("user")] User,
    [JsonStringEnumMemberName("assistant")] Assistant,
}

/// <summary>How far an answer is; what a user says is complete. Stored in lower case.</summary>
[JsonConverter(typeof(EnumNameConverter<MessageStatus>))]
public enum MessageStatus
{
    [JsonStringEnumMemberName("complete")] Complete,
    [JsonStringEnumMemberName("running")] Running,
    [JsonStringEnumMemberName("stopped")] Stopped,

    /// <summary>The service ended before the answer did.</summary>
    [JsonStringEnumMemberName("interrupted")] Interrupted,
    [JsonStringEnumMemberName("failed")] Failed,
}
