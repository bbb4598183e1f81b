// "DisplayOrder was incorrectly created as a field. It will be re-added as a property": without it the order is that of the names.
#pragma warning disable CS0618

namespace LlmAspire.AppHost.Commands;

/// <summary>The pages of <c>web</c> that the dashboard links to.</summary>
internal static class PageLinkExtensions
{
    private const string UsagePath = "/usage";

    /// <summary>Chat comes first, then Usage.</summary>
    public static IResourceBuilder<ProjectResource> WithPageLinks(this IResourceBuilder<ProjectResource> web) => web
        .WithUrlForEndpoint("http", url => (url.DisplayText, url.DisplayOrder) = ("Chat", 2))
        .WithUrlForEndpoint("http", _ => new ResourceUrlAnnotation { Url = UsagePath, DisplayText = "Usage", DisplayOrder = 1 });
}
