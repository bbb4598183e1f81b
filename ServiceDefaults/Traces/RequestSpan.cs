using System.Diagnostics;

namespace LlmAspire.ServiceDefaults.Traces;

/// <summary>
/// Names the span of a request that is sent, as OpenTelemetry's conventions want it: by method and <c>url.template</c>. Without it all of them are called
/// <c>GET</c> and <c>POST</c>.
/// </summary>
/// <remarks>See https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name.</remarks>
internal static class RequestSpan
{
    public static void Name(Activity span, HttpRequestMessage request)
    {
        if (request.RequestUri is { IsAbsoluteUri: true } address)
        {
            var template = TraceExtensions.PathTemplate(address.AbsolutePath);
            span.SetTag("url.template", template);
            span.DisplayName = $"{request.Method} {template}";
        }
    }
}
