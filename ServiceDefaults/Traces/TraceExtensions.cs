using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry.Trace;

namespace LlmAspire.ServiceDefaults.Traces;

/// <summary>What is in a trace: what people did, in names that they understand.</summary>
public static class TraceExtensions
{
    /// <summary>Says of endpoints that machinery asks them, and not people: a request to one is in no trace, nor is what it leads to.</summary>
    public static TBuilder ExcludeFromTraces<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoints.Finally(Exclude);
        return endpoints;
    }

    /// <summary>For conventions that concern some endpoints of a group only.</summary>
    /// <inheritdoc cref="ExcludeFromTraces"/>
    public static void Exclude(EndpointBuilder endpoint)
    {
        if (endpoint.RequestDelegate is { } handle)
        {
            endpoint.RequestDelegate = context =>
            {
                context.Features.Get<IHttpActivityFeature>()?.Activity.Discard();
                return handle(context);
            };
        }
    }

    /// <summary>Leaves a span out of its trace; those below it, which are made later, are left out too. To be called before it ends.</summary>
    public static void Discard(this Activity span)
    {
        span.IsAllDataRequested = false;
        span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
    }

    /// <summary>A path without the ids in it, for a name: <c>/conversations/01a2062a-76cb-7a05-8142-b430b8689a62</c> is <c>/conversations/{id}</c>.</summary>
    public static string PathTemplate(string path) => string.Join('/', path.Split('/').Select(segment => Guid.TryParse(segment, out _) ? "{id}" : segment));

    internal static TracerProviderBuilder AddServiceTraces(this TracerProviderBuilder tracing) => tracing
        .ConfigureSampler((_, configured) => new CausedSampler(configured))
        // Hub methods and component events are the wire between a page and its server: the front end says itself what people do.
        .AddAspNetCoreInstrumentation(options =>
        {
            options.EnableAspNetCoreSignalRSupport = false;
            options.EnableRazorComponentsSupport = false;
        })
        .AddHttpClientInstrumentation(options => options.EnrichWithHttpRequestMessage = RequestSpan.Name)
        .AddProcessor<CommandSpans>();
}
