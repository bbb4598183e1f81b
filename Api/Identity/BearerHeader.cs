namespace LlmAspire.Api.Identity;

/// <summary>Example: <c>Authorization: Bearer llma_1f2e3d4c…</c>.</summary>
internal static class BearerHeader
{
    private const string Scheme = "Bearer ";

    /// <summary>What follows the word Bearer; null when there is nothing of the kind.</summary>
    public static string? Read(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;
    }
}
