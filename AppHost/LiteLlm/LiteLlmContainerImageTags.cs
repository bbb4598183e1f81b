namespace LlmAspire.AppHost.LiteLlm;

/// <summary>The image of the LiteLLM proxy. <c>litellm/Dockerfile</c> names the same one; a test compares them.</summary>
internal static class LiteLlmContainerImageTags
{
    /// <summary>The registry.</summary>
    public const string Registry = "ghcr.io";

    /// <summary>The image that does not run as root. The stack gives the proxy no database, so nothing in it needs to be written.</summary>
    public const string Image = "berriai/litellm-non_root";

    /// <summary>The long-term support release. <c>main-stable</c> and <c>lts</c> move under one's feet.</summary>
    public const string Tag = "v1.108.21";
}
