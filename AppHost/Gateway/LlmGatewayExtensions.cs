using LlmAspire.AppHost.LiteLlm;
using LlmAspire.AppHost.Services;
using LlmAspire.AppHost.Stack;

namespace LlmAspire.AppHost.Gateway;

/// <summary>The gateways that a stack can have, and the reference to one.</summary>
internal static class LlmGatewayExtensions
{
    private static readonly string[] ModelSettings = ["LLM_MODEL_CHAT", "LLM_MODEL_PROMPT_GEN"];

    /// <summary>The gateway at <c>LLM_BASE_URL</c>, called with <c>LLM_API_KEY</c>.</summary>
    public static LlmGateway UseExternalGateway(this IDistributedApplicationBuilder builder)
    {
        var baseUrl = builder.AddParameterFromConfiguration("llm-base-url", "LLM_BASE_URL")
            .WithDescription("The OpenAI-compatible gateway that is used; none is started.");
        var apiKey = builder.AddParameterFromConfiguration("llm-api-key", "LLM_API_KEY", secret: true)
            .WithDescription("What services show to that gateway.");

        return new LlmGateway(ReferenceExpression.Create($"{baseUrl}"), ReferenceExpression.Create($"{apiKey}"), Resource: null);
    }

    /// <summary>Adds the demo gateway: the contract of the LiteLLM proxy, without a provider behind it.</summary>
    public static LlmGateway AddDemoGateway(this IDistributedApplicationBuilder builder, [ResourceName] string name, StackChoice stack)
    {
        var masterKey = builder.AddMasterKey(name);
        var gateway = builder.AddService<Projects.DemoGateway>(name, LiteLlmResourceBuilderExtensions.HealthPath)
            .WithIconName(LiteLlmResourceBuilderExtensions.IconName)
            .WithEnvironment("LITELLM_MASTER_KEY", masterKey)
            .WithEnvironment("Gateway__ConfigPath", LiteLlmResourceBuilderExtensions.ConfigPath(builder))
            .WithEnvironment("Gateway__ServedPath", Path.Combine(stack.DataDirectory, "gateway", "served.jsonl"))
            .WithUrlForEndpoint("http", url => (url.DisplayText, url.Url) = ("Demo gateway", LiteLlmResourceBuilderExtensions.HealthPath));

        return new LlmGateway(ReferenceExpression.Create($"{gateway.GetEndpoint("http")}"), masterKey, gateway);
    }

    /// <summary>The LiteLLM proxy as a gateway.</summary>
    public static LlmGateway AsGateway<T>(this IResourceBuilder<T> liteLlm)
        where T : class, ILiteLlmResource
        => new(liteLlm.Resource.BaseUrl, liteLlm.Resource.MasterKey, liteLlm);

    /// <summary>Tells a service where the gateway is, with which key and models, and lets it wait for it.</summary>
    public static IResourceBuilder<T> WithGateway<T>(this IResourceBuilder<T> service, LlmGateway gateway)
        where T : IResourceWithEnvironment, IResourceWithWaitSupport
    {
        service.WithGatewayAddress(gateway);
        foreach (var setting in ModelSettings.Where(service.ApplicationBuilder.Configuration.Has))
        {
            service.WithEnvironment(setting, service.ApplicationBuilder.Configuration[setting]);
        }

        return gateway.Resource is null ? service : service.WaitFor(gateway.Resource);
    }

    /// <summary>Tells a service where the gateway is, with which key.</summary>
    public static IResourceBuilder<T> WithGatewayAddress<T>(this IResourceBuilder<T> service, LlmGateway gateway)
        where T : IResourceWithEnvironment
    {
        return service.WithEnvironment("LLM_BASE_URL", gateway.BaseUrl).WithEnvironment("LLM_API_KEY", gateway.ApiKey);
    }

    /// <summary>
    /// The gateway's master key: generated once and kept in user secrets. LiteLLM wants it to start with <c>sk-</c>.
    /// </summary>
    internal static ReferenceExpression AddMasterKey(this IDistributedApplicationBuilder builder, string gatewayName)
    {
        var secret = builder.AddParameter(
            $"{gatewayName}-master-key",
            new GenerateParameterDefault { MinLength = 32, Special = false },
            secret: true,
            persist: true)
            .WithDescription("What services show to the gateway, without its `sk-`. Generated once and kept in user secrets.", enableMarkdown: true);

        return ReferenceExpression.Create($"sk-{secret}");
    }
}
