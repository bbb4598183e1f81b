using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Security;
using LlmAspire.ServiceDefaults.Traces;

namespace LlmAspire.DemoGateway.Health;

/// <summary>The proxy's probes. They stand in for the services' <c>/health</c> and <c>/alive</c>: here <c>/health</c> means something else.</summary>
internal static class HealthApi
{
    public static IEndpointRouteBuilder MapHealthApi(this IEndpointRouteBuilder routes)
    {
        var probes = routes.MapGroup("/health").ExcludeFromTraces();
        probes.MapGet("/liveliness", Liveliness);
        probes.MapGet("/liveness", Liveliness);
        probes.MapGet("/readiness", Readiness);
        probes.MapGet("", Health).WithGatewayErrors().RequireMasterKey();
        return routes;
    }

    private static JsonBody Liveliness() => JsonBody.Of("I'm alive!", GatewayJson.Wire.String);

    private static JsonBody Readiness(GatewayOptions options) => JsonBody.Of(
        new Readiness("healthy", options.SpendLogs ? "connected" : "Not connected", null, LiteLlmHeaders.Version, ["sync_deployment_callback_on_success"], UseAiohttpTransport: true),
        GatewayJson.Wire.Readiness);

    /// <summary>In LiteLLM this calls every model for real. The demo model is always well.</summary>
    private static JsonBody Health(LiteLlmConfig config) => JsonBody.Of(
        new HealthReport(
            [.. config.Deployments.Select(deployment => new HealthyEndpoint($"{deployment.Provider}/{deployment.Model}", deployment.Id))],
            [],
            config.Deployments.Count,
            0),
        GatewayJson.Wire.HealthReport);
}
