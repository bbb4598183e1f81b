using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Security;

namespace LlmAspire.DemoGateway.Faults;

/// <summary>The switches of the fault rig.</summary>
internal static class FaultsApi
{
    /// <summary>A header with faults, which wins over markers in the question.</summary>
    public const string Header = "x-demo-fault";

    public static void AddFaults(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<HoldGates>();
        builder.Services.AddSingleton<UpstreamErrors>();
        builder.Services.AddSingleton<ScriptWriter>();
    }

    /// <summary>Nothing when the rig is switched off.</summary>
    public static IEndpointRouteBuilder MapFaultsApi(this IEndpointRouteBuilder routes)
    {
        if (routes.ServiceProvider.GetRequiredService<GatewayOptions>().Faults)
        {
            routes.MapPost("/_demo/release", Release).WithGatewayErrors().RequireMasterKey();
        }

        return routes;
    }

    private static IResult Release(HoldGates gates, string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            throw GatewayException.NoHoldName();
        }

        gates.Release(name);
        return Results.NoContent();
    }
}
