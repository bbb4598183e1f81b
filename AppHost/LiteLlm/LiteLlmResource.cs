namespace LlmAspire.AppHost.LiteLlm;

/// <summary>The LiteLLM proxy in a container: one OpenAI-compatible endpoint in front of many providers.</summary>
/// <param name="name">The name of the resource.</param>
/// <param name="masterKey">The master key.</param>
internal sealed class LiteLlmResource(string name, ReferenceExpression masterKey)
    : ContainerResource(name), ILiteLlmResource, IResourceWithConnectionString, IResourceWithServiceDiscovery
{
    internal const string PrimaryEndpointName = "http";

    /// <summary>The endpoint of the proxy.</summary>
    public EndpointReference PrimaryEndpoint => field ??= new EndpointReference(this, PrimaryEndpointName);

    /// <inheritdoc/>
    public ReferenceExpression BaseUrl => ReferenceExpression.Create($"{PrimaryEndpoint}");

    /// <inheritdoc/>
    public ReferenceExpression MasterKey { get; } = masterKey;

    /// <summary><c>Endpoint=http://…;Key=sk-…</c>, as Aspire's OpenAI integrations read it.</summary>
    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"Endpoint={PrimaryEndpoint};Key={MasterKey}");
}
