namespace LlmAspire.ServiceDefaults;

/// <summary>The address of the gateway as <c>LLM_BASE_URL</c> gives it, with or without <c>/v1</c> at its end.</summary>
public static class GatewayAddress
{
    /// <summary>Without <c>/v1</c>, ending in a slash: <c>/model/info</c> and the health endpoints are below it.</summary>
    /// <exception cref="UriFormatException">When it is none.</exception>
    public static Uri Root(string baseUrl)
    {
        var url = baseUrl.TrimEnd('/');
        return new Uri((url.EndsWith("/v1", StringComparison.OrdinalIgnoreCase) ? url[..^3].TrimEnd('/') : url) + '/');
    }
}
