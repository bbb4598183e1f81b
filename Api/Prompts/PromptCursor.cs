using System.Buffers.Text;
using System.Text.Json;

namespace LlmAspire.Api.Prompts;

/// <summary>The last prompt of a page: the next one begins after it, whatever came or moved meanwhile.</summary>
internal sealed record PromptCursor(DateTimeOffset UpdatedAt, Guid Id)
{
    public override string ToString() => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(this, JsonSerializerOptions.Web));

    /// <summary>Null when it is none.</summary>
    public static PromptCursor? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<PromptCursor>(Base64Url.DecodeFromChars(text), JsonSerializerOptions.Web) is { } cursor
                ? cursor with { UpdatedAt = cursor.UpdatedAt.ToUniversalTime() }
                : null;
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            return null;
        }
    }
}
