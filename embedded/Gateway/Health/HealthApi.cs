using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Security;

namespace LlmAspire.DemoGateway.Health;

/// <summary>The proxy's probes. They stand in for the services' <c>/health</c> and <c>/alive</c>: here <c>/health</c> means something else.</summary>
internal static class HealthApi
{
    public static IEndpointRouteBuilder MapHealthApi(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/liveliness", Liveliness);
        routes.MapGet("/health/liveness", Liveliness);
        routes.MapGet("/health/readiness", Readiness);
        routes.MapGet("/health", Health).WithGatewayErrors().RequireMasterKey();
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
