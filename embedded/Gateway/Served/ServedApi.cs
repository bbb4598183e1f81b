using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Security;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace LlmAspire.DemoGateway.Served;

/// <summary>What this gateway served, by its own record: the truth that a ledger of its clients is held against.</summary>
internal static class ServedApi
{
    public static void AddServedLog(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(services => new ServedLog(
            Path.GetFullPath(services.GetRequiredService<GatewayOptions>().ServedPath, builder.Environment.ContentRootPath),
            services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton(services => new ServedIndex(services.GetRequiredService<ServedLog>()));
    }

    public static IEndpointRouteBuilder MapServedApi(this IEndpointRouteBuilder routes)
    {
        // Opened now: a record that cannot be written ends the start, not the first call.
        _ = routes.ServiceProvider.GetRequiredService<ServedLog>();
        routes.MapGet("/_demo/served", Served).WithGatewayErrors().RequireMasterKey();
        return routes;
    }

    private static async Task<JsonHttpResult<ServedList>> Served(
        ServedIndex index, [FromQuery(Name = "call_id")] string? callId, Guid? since, CancellationToken cancellationToken) =>
        TypedResults.Json(await index.ReadAsync(callId, since, cancellationToken), GatewayJson.Wire.ServedList);
}
