using LlmAspire.AppHost.Running;
using LlmAspire.AppHost.Stack;

namespace LlmAspire.AppHost.Services;

/// <summary>What the services of the stack have alike, and what they are told of each other.</summary>
internal static class ServiceExtensions
{
    /// <summary>
    /// Adds a project whose health the dashboard shows in the project's own words. Of what it refers to it gets the connection strings and the addresses:
    /// the properties that Aspire adds (<c>LLM_PASSWORD</c>, <c>LLM_URI</c>, <c>LLM_HOST</c>…) would stand among our own settings of the gateway.
    /// </summary>
    /// <typeparam name="TProject">The project.</typeparam>
    /// <param name="builder">The application.</param>
    /// <param name="name">The name of the resource.</param>
    /// <param name="healthPath">Where it says whether it can work: below 300 when it can.</param>
    public static IResourceBuilder<ProjectResource> AddService<TProject>(
        this IDistributedApplicationBuilder builder,
        [ResourceName] string name,
        string healthPath = "/health")
        where TProject : IProjectMetadata, new()
        => builder.AddProject<TProject>(name)
            .WithReferenceEnvironment(ReferenceEnvironmentInjectionFlags.ConnectionString | ReferenceEnvironmentInjectionFlags.ServiceDiscovery)
            .WithHealthReport(healthPath);

    /// <summary>Tells the front end where the dashboard is, if there is one, so that the trace of a message is a link.</summary>
    public static IResourceBuilder<T> WithDashboardLink<T>(this IResourceBuilder<T> frontEnd)
        where T : IResourceWithEnvironment
        => frontEnd.WithEnvironment(context =>
        {
            // Aspire adds it after the model is described, and chooses its port when the stack starts.
            var dashboard = frontEnd.ApplicationBuilder.Resources.OfType<IResourceWithEndpoints>().FirstOrDefault(resource => resource.Name == StoppableResources.DashboardName);
            if (dashboard?.GetEndpoints().FirstOrDefault(endpoint => endpoint.EndpointName is "http" or "https") is { } endpoint)
            {
                context.EnvironmentVariables["Dashboard__Url"] = endpoint;
            }
        });

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

    /// <summary>
    /// Lets running answers go on for a while when the stack is stopped, and then settles them. The orchestrator kills what is not gone six seconds after it
    /// was told to stop; a deployment has the service's own, longer time.
    /// </summary>
    public static IResourceBuilder<T> WithShortShutdown<T>(this IResourceBuilder<T> api)
        where T : IResourceWithEnvironment
        => api.ApplicationBuilder.ExecutionContext.IsRunMode ? api.WithEnvironment("Usage__ShutdownGrace", "00:00:03") : api;
}
