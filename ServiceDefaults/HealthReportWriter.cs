using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.ServiceDefaults;

/// <summary>
/// Writes a health report as JSON: the status of the whole and, for each check that is not healthy, its status and what it says of itself.
/// Exceptions are not shown. Example:
/// <c>{"status":"Degraded","checks":{"gateway":{"status":"Degraded","description":"The gateway does not answer."}}}</c>.
/// </summary>
internal static class HealthReportWriter
{
    public static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var checks = new JsonObject(report.Entries
            .Where(entry => entry.Value.Status != HealthStatus.Healthy)
            .Select(entry => KeyValuePair.Create<string, JsonNode?>(entry.Key, new JsonObject
            {
                ["status"] = entry.Value.Status.ToString(),
                ["description"] = entry.Value.Description,
            })));
        return context.Response.WriteAsJsonAsync(
            new JsonObject { ["status"] = report.Status.ToString(), ["checks"] = checks }, context.RequestAborted);
    }
}
