using ModelContextProtocol.Protocol;

namespace LlmAspire.Api.Tools.Mcp;

/// <summary>What an MCP server returns, as the text that a model is told: all text that there is, and in a few words what is no text.</summary>
internal static class McpContent
{
    private const string Nothing = "(the tool returned nothing)";

    public static string TextOf(CallToolResult result)
    {
        var blocks = result.Content ?? [];
        List<string> parts = [.. blocks.Select(TextOf)];
        // With text it says the same again, for programs.
        if (result.StructuredContent is { } structured && !blocks.Any(HasText))
        {
            parts.RemoveAll(part => part.Length == 0);
            parts.Add(ToolText.Of(structured));
        }

        return parts is [] ? Nothing : string.Join('\n', parts);
    }

    private static bool HasText(ContentBlock block) => block switch
    {
        TextContentBlock text => text.Text.Length > 0,
        EmbeddedResourceBlock { Resource: TextResourceContents resource } => resource.Text.Length > 0,
        _ => false,
    };

    private static string TextOf(ContentBlock block) => block switch
    {
        TextContentBlock text => text.Text,
        EmbeddedResourceBlock { Resource: TextResourceContents resource } => resource.Text,
        EmbeddedResourceBlock { Resource: BlobResourceContents blob } => NotShown($"resource {blob.Uri}", blob.MimeType, blob.Blob),
        EmbeddedResourceBlock other => $"(resource {other.Resource.Uri}: not shown)",
        ResourceLinkBlock link => $"(link to {link.Uri}: {string.Join(", ", ((string?[])[link.Title ?? link.Name, link.Description, link.MimeType]).Where(part => !string.IsNullOrEmpty(part)))})",
        ImageContentBlock image => NotShown($"image {image.MimeType}", null, image.Data),
        AudioContentBlock audio => NotShown($"audio {audio.MimeType}", null, audio.Data),
        _ => $"({block.Type}: not shown)",
    };

    private static string NotShown(string what, string? mimeType, ReadOnlyMemory<byte> base64) =>
        $"({what}{(string.IsNullOrEmpty(mimeType) ? "" : $", {mimeType}")}, {CountBytes(base64.Span)} bytes: not shown)";

    // It need not be valid to be counted.
    private static int CountBytes(ReadOnlySpan<byte> base64) => base64.TrimEnd((byte)'=').Length * 3 / 4;
}
