using LlmAspire.Web.Identity;
using LlmAspire.Web.Prices;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Web.Reports;

/// <summary>The Api's exports of usage and of prices.</summary>
internal static class ReportExports
{
    public static IEndpointRouteBuilder MapReportExports(this IEndpointRouteBuilder app)
    {
        app.MapGet(UsageLinks.ExportPath, ExportUsageAsync).RequireAuthorization();
        app.MapGet(PricesPage.ExportPath, ExportPricesAsync).RequireAuthorization();
        return app;
    }

    private static Task<Results<FileStreamHttpResult, StatusCodeHttpResult>> ExportUsageAsync(
        SessionStore sessions, IdentityClient identity, HttpContext context, CancellationToken cancellationToken) =>
        ApiFile.HandAsync("/usage/export" + context.Request.QueryString, context, sessions, identity, cancellationToken);

    private static Task<Results<FileStreamHttpResult, StatusCodeHttpResult>> ExportPricesAsync(
        SessionStore sessions, IdentityClient identity, HttpContext context, CancellationToken cancellationToken) =>
        ApiFile.HandAsync("/prices/export", context, sessions, identity, cancellationToken, "prices.json");
}
