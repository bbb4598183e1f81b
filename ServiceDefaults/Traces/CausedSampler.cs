using System.Diagnostics;
using OpenTelemetry.Trace;

namespace LlmAspire.ServiceDefaults.Traces;

/// <summary>
/// A trace begins with a request, or with an action that the code names. A call to another service or to the database that nobody asked for is work of
/// the installation itself: it begins no trace. Nor does it in the services that it reaches, as the <c>traceparent</c> that goes along says so: what is
/// below a span that is not recorded is not recorded.
/// </summary>
/// <param name="configured">Decides about all else. Aspire sets <c>OTEL_TRACES_SAMPLER=always_on</c>, which does not look at parents.</param>
internal sealed class CausedSampler(Sampler configured) : Sampler
{
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        var parent = samplingParameters.ParentContext;
        var isCaused = parent.TraceId == default
            ? samplingParameters.Kind != ActivityKind.Client
            : parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded);
        return isCaused ? configured.ShouldSample(samplingParameters) : new SamplingResult(SamplingDecision.Drop);
    }
}
