using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;
    private readonly EntryPointInterception? _interception;

    private DistributedApplicationBuilder(string[] args, EntryPointInterception? interception)
    {
        AppHostAssembly = interception?.EntryPoint ?? Assembly.GetEntryAssembly();
        AppHostDirectory = AppHostAssembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(attribute => attribute.Key == "apphostprojectpath")?.Value ?? Directory.GetCurrentDirectory();

        _interception = interception;
        _host = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = args,
            ApplicationName = AppHostAssembly?.GetName().Name,
            ContentRootPath = AppHostDirectory,
            EnvironmentName = interception is null ? null : Environments.Development,
        });

        if (interception is not null)
        {
            // As Aspire's testing builder does: tests run side by side.
            Configuration.AddInMemoryCollection([new("DcpPublisher:RandomizePorts", "true")]);
            Configuration.AddCommandLine(args);
        }

        Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(60));
        Services.AddHealthChecks();
        Services.AddHttpClient();
        Services.AddSingleton(new DistributedApplicationModel(Resources));
        Services.AddSingleton(ExecutionContext);
        Services.AddSingleton(new ResourceNotificationService());
        Services.AddSingleton(new OrchestratorOptions(StopWhenAResourceFailsToStart: interception is null));
        Services.AddHostedService<Orchestrator>();

        _host.Logging.ClearProviders();
        _host.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // A resource that is not ready yet is no news.
        _host.Logging.AddFilter("Microsoft.Extensions.Diagnostics.HealthChecks", LogLevel.None);
        _host.Logging.AddFilter("System.Net.Http", LogLevel.Warning);
        if (interception is null)
        {
            _host.Logging.AddProvider(new ResourceConsoleLoggerProvider(Console.Out));
        }
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public DistributedApplicationExecutionContext ExecutionContext { get; } = new();

    public IResourceCollection Resources { get; } = new ResourceCollection();

    public static DistributedApplicationBuilder Create(string[] args)
    {
        if (args.Contains("--operation") || args.Contains("--publisher"))
        {
            throw new DistributedApplicationException(
                "Publishing needs Aspire itself, and the package feeds in use hold none: this is its embedded stand-in, which only runs. "
                + "Add a feed that has the Aspire packages, and try again.");
        }

        var interception = EntryPointInterception.Current;
        var builder = new DistributedApplicationBuilder(args, interception);
        interception?.OnBuilderCreated(builder);

        return builder;
    }

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (Resources.Any(other => string.Equals(other.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
        {
            throw new DistributedApplicationException($"A resource named '{resource.Name}' is there already.");
        }

        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource)
        where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        _interception?.OnBuilding();

        if (Resources.OfType<ContainerResource>().FirstOrDefault() is { } container)
        {
            throw new DistributedApplicationException(
                $"'{container.Name}' is a container, and the embedded stand-in of Aspire runs none. "
                + "Set Stack:Mode=embedded (or leave it unset), or add a package feed that has the Aspire packages.");
        }

        var application = new DistributedApplication(_host.Build());
        _interception?.OnBuilt(application);

        return application;
    }

    private sealed record ResourceBuilder<T>(IDistributedApplicationBuilder ApplicationBuilder, T Resource) : IResourceBuilder<T>
        where T : IResource;
}
