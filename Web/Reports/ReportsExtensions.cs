using LlmAspire.Web.Prices;
using LlmAspire.Web.Reconciliation;

namespace LlmAspire.Web.Reports;

public static class ReportsExtensions
{
    /// <summary>Adds what the pages of usage, prices and reconciliation need.</summary>
    public static IHostApplicationBuilder AddReports(this IHostApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddScoped<BrowserZone>();
        builder.Services.AddTransient<UsageClient>();
        builder.Services.AddTransient<PricesClient>();
        builder.Services.AddTransient<ReconciliationClient>();
        return builder;
    }
}
