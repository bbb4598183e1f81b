using LlmAspire.Api.Http;

namespace LlmAspire.Api.Prompts;

/// <summary>The last prompt of a page: the next one begins after it, whatever came or moved meanwhile.</summary>
internal sealed record PromptCursor(DateTimeOffset UpdatedAt, Guid Id)
{
    public override string ToString() => CursorText.Write(this);

    /// <summary>Null when it is none.</summary>
    public static PromptCursor? Parse(string text) => CursorText.Read<PromptCursor>(text);
}
