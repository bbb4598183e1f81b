using dotenv.net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;

namespace LlmAspire.AppHost;

/// <summary>Decides what the stack is made of, says so, and runs it.</summary>
internal static class StackExtensions
{
    /// <summary>
    /// Loads <c>.env</c> (an environment variable of the same name wins), decides by <c>Stack:Mode</c>
    /// (<c>auto</c>, <c>containers</c>, <c>embedded</c>) and <c>Stack:Gateway</c> (<c>auto</c>, <c>litellm</c>, <c>demo</c>), and prints
    /// each decision with its reason.
    /// </summary>
    /// <exception cref="DistributedApplicationException">When a setting has a value that is none of these.</exception>
    public static StackChoice ChooseStack(this IDistributedApplicationBuilder builder)
    {
        builder.AddDotEnv();

        var (useContainers, servicesBecause) = builder.ChooseServices();
        var (gateway, gatewayBecause) = builder.ChooseGateway(useContainers);

        Console.WriteLine($"""
            LlmAspire
              services      {(useContainers ? "containers" : "embedded"),-11} {servicesBecause}
              gateway       {gateway.ToString().ToLowerInvariant(),-11} {gatewayBecause}
            """);

        return new StackChoice(useContainers, gateway);
    }

    /// <summary>Tells the front end where the dashboard is, so that the trace of a message is a link.</summary>
    public static IResourceBuilder<T> WithDashboardLink<T>(this IResourceBuilder<T> frontEnd)
        where T : IResourceWithEnvironment
    {
        var dashboard = frontEnd.ApplicationBuilder.Configuration["ASPNETCORE_URLS"]?.Split(';')[0];

        return frontEnd.ApplicationBuilder.ExecutionContext.IsPublishMode || string.IsNullOrEmpty(dashboard)
            ? frontEnd
            : frontEnd.WithEnvironment("Dashboard__Url", dashboard);
    }

    /// <summary>
    /// Tells the front end under which address programs reach the Api, for its examples: <c>Api:PublicUrl</c>, else this machine's. A deployment shows only
    /// the front end to the world, so without the setting it is told none.
    /// </summary>
    public static IResourceBuilder<T> WithApiAddress<T>(this IResourceBuilder<T> frontEnd, IResourceBuilder<ProjectResource> api)
        where T : IResourceWithEnvironment
    {
        const string Name = "Api__PublicUrl";
        var configuration = frontEnd.ApplicationBuilder.Configuration;

        return configuration.Has("Api:PublicUrl") ? frontEnd.WithEnvironment(Name, configuration["Api:PublicUrl"])
            : frontEnd.ApplicationBuilder.ExecutionContext.IsPublishMode ? frontEnd
            : frontEnd.WithEnvironment(Name, ReferenceExpression.Create($"{api.GetEndpoint("http")}"));
    }

    /// <summary>Looks for what would stop the stack, says it in one message, or runs it until it is stopped.</summary>
    /// <returns>The exit code.</returns>
    public static int RunStack(this IDistributedApplicationBuilder builder)
    {
        if (Preflight.FindObstacle(builder) is { } obstacle)
        {
            Console.Error.WriteLine(obstacle);
            return 1;
        }

        builder.Build().Run();
        return Environment.ExitCode;
    }

    private static void AddDotEnv(this IDistributedApplicationBuilder builder)
    {
        var file = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", ".env"));
        if (!File.Exists(file))
        {
            return;
        }

        var values = DotEnv.Read(new DotEnvOptions(envFilePaths: [file]))
            .Where(pair => pair.Value.Length > 0)
            .Select(pair => KeyValuePair.Create(pair.Key.Replace("__", ":", StringComparison.Ordinal), (string?)pair.Value));

        // First, so that every other source of configuration wins over the file.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = values });
    }

    private static (bool UseContainers, string Because) ChooseServices(this IDistributedApplicationBuilder builder)
    {
        var mode = builder.Configuration["Stack:Mode"]?.ToLowerInvariant() ?? "auto";

        return (mode, builder.ExecutionContext.IsPublishMode) switch
        {
            (_, true) => (true, "publishing"),
            ("containers", _) => (true, "Stack:Mode=containers"),
            ("embedded", _) => (false, "Stack:Mode=embedded"),
            ("auto", _) => ContainerRuntime.Find() is { } runtime
                ? (true, $"{runtime} answers")
                : (false, "no container runtime answers"),
            _ => throw new DistributedApplicationException($"Stack:Mode is '{mode}'. Set it to auto, containers or embedded."),
        };
    }

    private static (GatewayKind Gateway, string Because) ChooseGateway(this IDistributedApplicationBuilder builder, bool useContainers)
    {
        var wish = builder.Configuration["Stack:Gateway"]?.ToLowerInvariant() ?? "auto";
        var hasProviderKey = ProviderKeys.All.Any(key => builder.Configuration.Has(key.EnvironmentVariable));
        var canRunLiteLlm = useContainers || ExecutablePath.Find("litellm") is not null;

        return wish switch
        {
            "litellm" => (GatewayKind.LiteLlm, "Stack:Gateway=litellm"),
            "demo" when builder.ExecutionContext.IsRunMode => (GatewayKind.Demo, "Stack:Gateway=demo"),
            "auto" or "demo" when builder.Configuration.Has("LLM_BASE_URL") => (GatewayKind.External, "LLM_BASE_URL is set"),
            "auto" or "demo" when builder.ExecutionContext.IsPublishMode => (GatewayKind.LiteLlm, "publishing"),
            "auto" when !hasProviderKey => (GatewayKind.Demo, "no provider key is set: copy .env.example to .env and put one in"),
            "auto" when !canRunLiteLlm => (GatewayKind.Demo, "a provider key is set, but there is neither a container runtime nor litellm on PATH"),
            "auto" => (GatewayKind.LiteLlm, "a provider key is set"),
            _ => throw new DistributedApplicationException($"Stack:Gateway is '{wish}'. Set it to auto, litellm or demo."),
        };
    }

    /// <summary>Whether a setting has a value that is more than white space.</summary>
    internal static bool Has(this IConfiguration configuration, string key) => !string.IsNullOrWhiteSpace(configuration[key]);
}
