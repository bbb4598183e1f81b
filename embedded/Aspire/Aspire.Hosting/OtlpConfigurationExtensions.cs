using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Sends telemetry of resources.</summary>
public static class OtlpConfigurationExtensions
{
    /// <summary>Tells the resource its name in telemetry. A given <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> reaches every resource.</summary>
    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment
        => builder.WithEnvironment("OTEL_SERVICE_NAME", builder.Resource.Name);
}
