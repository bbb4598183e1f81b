using LlmAspire.AppHost.Gateway;
using LlmAspire.AppHost.Services;
using LlmAspire.AppHost.Stack;
using Microsoft.Extensions.Configuration;

namespace LlmAspire.AppHost.LiteLlm;

/// <summary>Adds the LiteLLM proxy to the application model.</summary>
internal static class LiteLlmResourceBuilderExtensions
{
    private const int Port = 4000;
    private const string ConfigInContainer = "/app/config.yaml";

    /// <summary>What the proxy's readiness says needs no key and costs nothing. <c>/health</c> would call every model.</summary>
    internal const string HealthPath = "/health/readiness";

    /// <summary>
    /// How long the proxy may take from its start to its first answer: importing it alone takes tens of seconds on a small
    /// machine (47 s were seen on a busy one), and its port stays closed until it is ready.
    /// </summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromMinutes(2);

    /// <summary>The dashboard's picture of a gateway.</summary>
    internal const string IconName = "PlugConnected";

    /// <summary>
    /// Adds the LiteLLM proxy as a container with a generated master key. When running, <c>litellm/config.yaml</c> is
    /// mounted read-only; when publishing, the image is built from <c>litellm/Dockerfile</c>, which has it baked in.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The name of the resource.</param>
    /// <param name="port">The port on the host.</param>
    /// <returns>The resource, which is healthy when the proxy is ready.</returns>
    /// <remarks>
    /// The proxy reports its own spans only with <c>Stack:GatewayTelemetry=true</c>: a container that refers to an endpoint of this machine needs Aspire's
    /// tunnel, whose image is built with buildx, and where that is missing the container never starts. The trace of a message goes through without them.
    /// </remarks>
    public static IResourceBuilder<LiteLlmResource> AddLiteLlm(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        int port = Port)
    {
        var resource = new LiteLlmResource(name, builder.AddMasterKey(name));
        var liteLlm = builder.AddResource(resource)
            .WithImage(LiteLlmContainerImageTags.Image, LiteLlmContainerImageTags.Tag)
            .WithImageRegistry(LiteLlmContainerImageTags.Registry)
            .WithHttpEndpoint(port: port, targetPort: Port, name: LiteLlmResource.PrimaryEndpointName)
            .WithProxyDefaults(resource.MasterKey)
            .WithTelemetry(builder.Configuration.GetValue<bool>("Stack:GatewayTelemetry"));

        return builder.ExecutionContext.IsPublishMode
            ? liteLlm.WithDockerfile(Path.GetDirectoryName(ConfigPath(builder))!)
            : liteLlm
                .WithBindMount(ConfigPath(builder), ConfigInContainer, isReadOnly: true)
                .WithArgs("--config", ConfigInContainer, "--port", "4000");
    }

    /// <summary>Adds the <c>litellm</c> that is on PATH, with the same configuration.</summary>
    /// <exception cref="DistributedApplicationException">When it is not on PATH.</exception>
    public static IResourceBuilder<LiteLlmExecutableResource> AddLiteLlmExecutable(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        int port = Port)
    {
        var command = ExecutablePath.Find("litellm") ?? throw new DistributedApplicationException("litellm is not on PATH.");
        var resource = new LiteLlmExecutableResource(name, command, builder.AppHostDirectory, builder.AddMasterKey(name));

        return builder.AddResource(resource)
            .WithHttpEndpoint(port: port, name: LiteLlmResource.PrimaryEndpointName)
            .WithProxyDefaults(resource.MasterKey)
            .WithTelemetry(reports: true)
            .WithArgs("--config", ConfigPath(builder), "--host", "127.0.0.1", "--port")
            .WithArgs(resource.PrimaryEndpoint.Property(EndpointProperty.TargetPort));
    }

    private static IResourceBuilder<T> WithProxyDefaults<T>(this IResourceBuilder<T> liteLlm, ReferenceExpression masterKey)
        where T : IResourceWithEndpoints, IResourceWithEnvironment
        => liteLlm
            .WithIconName(IconName)
            .WithHealthReport(HealthPath)
            .WithAnnotation(new StartPatienceAnnotation(StartPatience))
            .WithEnvironment("LITELLM_MASTER_KEY", masterKey)
            .WithUrlForEndpoint(LiteLlmResource.PrimaryEndpointName, url => url.DisplayText = "LiteLLM");

    /// <summary>Lets the proxy report its spans to the dashboard, without prompts and answers; or report none, instead of failing at it again and again.</summary>
    private static IResourceBuilder<T> WithTelemetry<T>(this IResourceBuilder<T> liteLlm, bool reports)
        where T : IResourceWithEnvironment
        => reports
            ? liteLlm
                .WithOtlpExporter()
                .WithEnvironment("OTEL_EXPORTER", "otlp_grpc") // Without it LiteLLM prints its spans on the console.
                .WithEnvironment("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "false")
            : liteLlm.WithEnvironment("OTEL_SDK_DISABLED", "true");

    /// <summary>The configuration that every gateway of this stack reads: <c>Stack:GatewayConfig</c>, or the one of the solution.</summary>
    internal static string ConfigPath(IDistributedApplicationBuilder builder) =>
        Path.GetFullPath(builder.Configuration["Stack:GatewayConfig"] ?? Path.Combine("..", "litellm", "config.yaml"), builder.AppHostDirectory);
}
