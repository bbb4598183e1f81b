using System.Buffers.Text;
using System.Text.Json;

namespace LlmAspire.Api.Conversations;

/// <summary>The last conversation of a page: the next one begins after it, whatever came or moved meanwhile.</summary>
internal sealed record ConversationCursor(bool Pinned, DateTimeOffset UpdatedAt, Guid Id)
{
    public override string ToString() => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(this, JsonSerializerOptions.Web));

    /// <summary>Null when it is none.</summary>
    public static ConversationCursor? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<ConversationCursor>(Base64Url.DecodeFromChars(text), JsonSerializerOptions.Web) is { } cursor
                ? cursor with { UpdatedAt = cursor.UpdatedAt.ToUniversalTime() }
                : null;
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return null;
        }
    }
}
