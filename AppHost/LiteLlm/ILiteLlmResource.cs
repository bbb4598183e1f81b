namespace LlmAspire.AppHost.LiteLlm;

/// <summary>A LiteLLM proxy, as a container or as an executable.</summary>
internal interface ILiteLlmResource : IResourceWithEndpoints, IResourceWithEnvironment
{
    /// <summary>The base address, without a path.</summary>
    ReferenceExpression BaseUrl { get; }

    /// <summary>The master key: who has it may do everything.</summary>
    ReferenceExpression MasterKey { get; }
}
