using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.AppHost.Services;

/// <summary>
/// Asks a service for its health and passes its reasons on. The services write
/// <c>{"status":"Unhealthy","checks":{"gateway":{"status":"Unhealthy","description":"The gateway does not answer."}}}</c>; of any other answer
/// the status code is told.
/// </summary>
/// <param name="clients">Makes the client.</param>
/// <param name="address">Where to ask; null while the service has no address.</param>
internal sealed class ReportedHealth(IHttpClientFactory clients, Func<Uri?> address) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (address() is not { } uri)
        {
            return HealthCheckResult.Unhealthy("It has no address yet.");
        }

        try
        {
            using var client = clients.CreateClient();
            using var answer = await client.GetAsync(uri, cancellationToken).ConfigureAwait(false);
            var reasons = ReadReasons(await answer.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false));

            return answer.IsSuccessStatusCode
                ? HealthCheckResult.Healthy(reasons)
                : HealthCheckResult.Unhealthy(reasons ?? $"GET {uri.AbsolutePath} answers {(int)answer.StatusCode}.");
        }
        catch (HttpRequestException)
        {
            return HealthCheckResult.Unhealthy("It does not answer yet.");
        }
    }

    /// <summary>What the checks that are not healthy say; null when the body tells of none.</summary>
    internal static string? ReadReasons(string body)
    {
        try
        {
            var reasons = JsonNode.Parse(body) is JsonObject report && report["checks"] is JsonObject checks
                ? checks.Select(check => $"{check.Key}: {check.Value?["description"]?.ToString() ?? check.Value?["status"]?.ToString()}").ToList()
                : [];
            return reasons.Count == 0 ? null : string.Join(" ", reasons);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
