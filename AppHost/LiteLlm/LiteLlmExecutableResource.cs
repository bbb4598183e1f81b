namespace LlmAspire.AppHost.LiteLlm;

/// <summary>The LiteLLM proxy as an executable of this machine.</summary>
/// <param name="name">The name of the resource.</param>
/// <param name="command">The path of <c>litellm</c>.</param>
/// <param name="workingDirectory">The folder it runs in.</param>
/// <param name="masterKey">The master key.</param>
internal sealed class LiteLlmExecutableResource(string name, string command, string workingDirectory, ReferenceExpression masterKey)
    : ExecutableResource(name, command, workingDirectory), ILiteLlmResource
{
    /// <summary>The endpoint of the proxy.</summary>
    public EndpointReference PrimaryEndpoint => field ??= new EndpointReference(this, LiteLlmResource.PrimaryEndpointName);

    /// <inheritdoc/>
    public ReferenceExpression BaseUrl => ReferenceExpression.Create($"{PrimaryEndpoint}");

    /// <inheritdoc/>
    public ReferenceExpression MasterKey { get; } = masterKey;
}
