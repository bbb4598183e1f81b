using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.AppHost.Services;

/// <summary>Health as the services themselves tell it.</summary>
internal static class HealthReportExtensions
{
    /// <summary>
    /// Asks the resource's endpoint <c>http</c> for its health. Aspire's own <c>WithHttpHealthCheck</c> shows the status code alone; this one shows
    /// the reasons that the answer holds.
    /// </summary>
    public static IResourceBuilder<T> WithHealthReport<T>(this IResourceBuilder<T> resource, string path)
        where T : IResourceWithEndpoints
    {
        var endpoint = resource.GetEndpoint("http");
        var key = $"{resource.Resource.Name}-health";
        resource.ApplicationBuilder.Services.AddHttpClient();
        resource.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            key,
            services => new ReportedHealth(services.GetRequiredService<IHttpClientFactory>(), () => endpoint.IsAllocated ? new Uri(new Uri(endpoint.Url), path) : null),
            HealthStatus.Unhealthy,
            tags: null));

        return resource.WithHealthCheck(key);
    }
}
