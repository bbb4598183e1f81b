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
    /// machine, and its port stays closed until it is ready.
    /// </summary>
    internal static readonly TimeSpan StartupGrace = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Adds the LiteLLM proxy as a container with a generated master key. When running, <c>litellm/config.yaml</c> is
    /// mounted read-only; when publishing, the image is built from <c>litellm/Dockerfile</c>, which has it baked in.
    /// </summary>
    /// <param name="builder">The application.</param>
    /// <param name="name">The name of the resource.</param>
    /// <param name="port">The port on the host.</param>
    /// <returns>The resource, which is healthy when the proxy is ready.</returns>
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
            .WithHttpHealthCheck(HealthPath)
            .WithEnvironment("LITELLM_MASTER_KEY", resource.MasterKey)
            .WithOtlpExporter()
            .WithEnvironment("OTEL_EXPORTER", "otlp_grpc") // Without it LiteLLM prints its spans on the console.
            .WithUrlForEndpoint(LiteLlmResource.PrimaryEndpointName, url => url.DisplayText = "LiteLLM");

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
        var command = ExecutablePath.Find("litellm")
            ?? throw new DistributedApplicationException("litellm is not on PATH. Install it (pip install 'litellm[proxy]'), start a container runtime, or set Stack:Gateway=demo.");
        var resource = new LiteLlmExecutableResource(name, command, builder.AppHostDirectory, builder.AddMasterKey(name));

        return builder.AddResource(resource)
            .WithHttpEndpoint(port: port, name: LiteLlmResource.PrimaryEndpointName)
            .WithHttpHealthCheck(HealthPath)
            .WithEnvironment("LITELLM_MASTER_KEY", resource.MasterKey)
            .WithOtlpExporter()
            .WithEnvironment("OTEL_EXPORTER", "otlp_grpc") // Without it LiteLLM prints its spans on the console.
            .WithArgs("--config", ConfigPath(builder), "--host", "127.0.0.1", "--port")
            .WithArgs(resource.PrimaryEndpoint.Property(EndpointProperty.TargetPort))
            .WithUrlForEndpoint(LiteLlmResource.PrimaryEndpointName, url => url.DisplayText = "LiteLLM");
    }

    /// <summary>The configuration that every gateway of this stack reads: <c>Stack:GatewayConfig</c>, or the one of the solution.</summary>
    internal static string ConfigPath(IDistributedApplicationBuilder builder) =>
        Path.GetFullPath(builder.Configuration["Stack:GatewayConfig"] ?? Path.Combine("..", "litellm", "config.yaml"), builder.AppHostDirectory);
}
