using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Orchestration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

/// <summary>Describes resources.</summary>
public static class ResourceBuilderExtensions
{
    /// <summary>Sets an environment variable.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, string? value)
        where T : IResourceWithEnvironment
        => builder.WithEnvironmentValue(name, value ?? "");

    /// <summary>Sets an environment variable.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, ReferenceExpression value)
        where T : IResourceWithEnvironment
        => builder.WithEnvironmentValue(name, value);

    /// <summary>Sets an environment variable.</summary>
    public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, IResourceBuilder<ParameterResource> parameter)
        where T : IResourceWithEnvironment
        => builder.WithEnvironmentValue(name, parameter.Resource);

    /// <summary>
    /// Gives the resource the connection string of another: <c>ConnectionStrings__{name}</c>.
    /// </summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder,
        IResourceBuilder<IResourceWithConnectionString> source,
        string? connectionName = null,
        bool optional = false)
        where TDestination : IResourceWithEnvironment
        => builder.WithEnvironmentValue(
            source.Resource.ConnectionStringEnvironmentVariable ?? $"ConnectionStrings__{connectionName ?? source.Resource.Name}",
            new ConnectionStringReference(source.Resource, optional));

    /// <summary>Tells the resource where another listens: <c>services__{name}__{endpoint}__0</c> and <c>{NAME}_{ENDPOINT}</c>.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder,
        IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment
        => builder.WithCallback(context =>
        {
            foreach (var endpoint in source.Resource.Annotations.OfType<EndpointAnnotation>())
            {
                var reference = new EndpointReference(source.Resource, endpoint.Name);
                context.EnvironmentVariables[$"services__{source.Resource.Name}__{endpoint.Name}__0"] = reference;
                context.EnvironmentVariables[$"{EnvironmentName(source.Resource.Name)}_{EnvironmentName(endpoint.Name)}"] = reference;
            }

            return Task.CompletedTask;
        });

    /// <summary>Starts the resource when another is healthy.</summary>
    public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
        where T : IResourceWithWaitSupport
        => builder.WithAnnotation(new WaitAnnotation(dependency.Resource, WaitType.WaitUntilHealthy));

    /// <summary>Adds an endpoint.</summary>
    public static IResourceBuilder<T> WithEndpoint<T>(
        this IResourceBuilder<T> builder,
        int? port = null,
        int? targetPort = null,
        string? scheme = null,
        string? name = null,
        string? env = null,
        bool? isProxied = null,
        bool? isExternal = null,
        ProtocolType? protocol = null)
        where T : IResourceWithEndpoints
    {
        var endpoint = new EndpointAnnotation(protocol ?? ProtocolType.Tcp, scheme, null, name, port, targetPort, isExternal, isProxied);
        builder.WithAnnotation(endpoint);

        return env is null
            ? builder
            : builder.WithAnnotation(new EnvironmentCallbackAnnotation(context =>
            {
                context.EnvironmentVariables[env] = new EndpointReference(builder.Resource, endpoint.Name).Property(EndpointProperty.TargetPort);
                return Task.CompletedTask;
            }));
    }

    /// <summary>Adds an HTTP endpoint.</summary>
    public static IResourceBuilder<T> WithHttpEndpoint<T>(
        this IResourceBuilder<T> builder,
        int? port = null,
        int? targetPort = null,
        string? name = null,
        string? env = null,
        bool? isProxied = null)
        where T : IResourceWithEndpoints
        => builder.WithEndpoint(port, targetPort, "http", name ?? "http", env, isProxied);

    /// <summary>Shows the HTTP endpoints to the world when deployed.</summary>
    public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
    {
        foreach (var endpoint in builder.Resource.Annotations.OfType<EndpointAnnotation>().Where(endpoint => endpoint.UriScheme is "http" or "https"))
        {
            endpoint.IsExternal = true;
        }

        return builder;
    }

    /// <summary>An endpoint of the resource, by name.</summary>
    public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
        where T : IResourceWithEndpoints
        => new(builder.Resource, name);

    /// <summary>The resource is healthy when a GET answers <paramref name="statusCode"/> (200 when null).</summary>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null)
        where T : IResourceWithEndpoints
    {
        var endpoint = new EndpointReference(builder.Resource, endpointName ?? "http");
        var key = $"{builder.Resource.Name}_{endpoint.EndpointName}_{path ?? "/"}_{statusCode ?? 200}_check";
        builder.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            key,
            services => new HttpHealthCheck(services.GetRequiredService<IHttpClientFactory>(), endpoint, path ?? "/", (HttpStatusCode)(statusCode ?? 200)),
            HealthStatus.Unhealthy,
            tags: null));

        return builder.WithAnnotation(new HealthCheckAnnotation(key));
    }

    /// <summary>Adds arguments.</summary>
    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params string[] args)
        where T : IResourceWithArgs
        => builder.WithArguments(args);

    /// <summary>Adds arguments; each is a string or a <see cref="IValueProvider"/>.</summary>
    public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params object[] args)
        where T : IResourceWithArgs
        => builder.WithArguments(args);

    /// <summary>Changes the URL that people see for an endpoint.</summary>
    public static IResourceBuilder<T> WithUrlForEndpoint<T>(this IResourceBuilder<T> builder, string endpointName, Action<ResourceUrlAnnotation> callback)
        where T : IResource
        => builder.WithAnnotation(new ResourceUrlsCallbackAnnotation(callback, endpointName));

    internal static IResourceBuilder<T> WithAnnotation<T>(this IResourceBuilder<T> builder, IResourceAnnotation annotation)
        where T : IResource
    {
        builder.Resource.Annotations.Add(annotation);
        return builder;
    }

    /// <summary>A name as environment variables have it.</summary>
    internal static string EnvironmentName(string name) => name.Replace('-', '_').ToUpperInvariant();

    private static IResourceBuilder<T> WithEnvironmentValue<T>(this IResourceBuilder<T> builder, string name, object value)
        where T : IResourceWithEnvironment
        => builder.WithCallback(context =>
        {
            context.EnvironmentVariables[name] = value;
            return Task.CompletedTask;
        });

    private static IResourceBuilder<T> WithCallback<T>(this IResourceBuilder<T> builder, Func<EnvironmentCallbackContext, Task> callback)
        where T : IResource
        => builder.WithAnnotation(new EnvironmentCallbackAnnotation(callback));

    private static IResourceBuilder<T> WithArguments<T>(this IResourceBuilder<T> builder, IEnumerable<object> args)
        where T : IResource
        => builder.WithAnnotation(new CommandLineArgsCallbackAnnotation(context =>
        {
            foreach (var arg in args)
            {
                context.Args.Add(arg);
            }

            return Task.CompletedTask;
        }));
}
