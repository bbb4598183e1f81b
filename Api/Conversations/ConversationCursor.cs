using LlmAspire.Api.Http;

namespace LlmAspire.Api.Conversations;

/// <summary>The last conversation of a page: the next one begins after it, whatever came or moved meanwhile.</summary>
internal sealed record ConversationCursor(bool Pinned, DateTimeOffset UpdatedAt, Guid Id)
{
    public override string ToString() => CursorText.Write(this);

    /// <summary>Null when it is none.</summary>
    public static ConversationCursor? Parse(string text) => CursorText.Read<ConversationCursor>(text);
}
