namespace LlmAspire.AppHost.Gateway;

/// <summary>The gateway as a service sees it, whatever runs behind it.</summary>
/// <param name="BaseUrl">Its base address, without a path.</param>
/// <param name="ApiKey">The key to call it with.</param>
/// <param name="Resource">The resource to wait for; null when the gateway is not part of this stack.</param>
internal sealed record LlmGateway(ReferenceExpression BaseUrl, ReferenceExpression ApiKey, IResourceBuilder<IResource>? Resource);
