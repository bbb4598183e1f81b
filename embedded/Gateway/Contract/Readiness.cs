using System.Text.Json.Serialization;

namespace LlmAspire.DemoGateway.Contract;

/// <summary><c>GET /health/readiness</c>: healthy although the database is not connected, because there is none.</summary>
internal sealed record Readiness(
    string Status,
    string Db,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Cache,
    [property: JsonPropertyName("litellm_version")] string LiteLlmVersion,
    IReadOnlyList<string> SuccessCallbacks,
    bool UseAiohttpTransport);

/// <summary><c>GET /health</c>.</summary>
internal sealed record HealthReport(
    IReadOnlyList<HealthyEndpoint> HealthyEndpoints, IReadOnlyList<HealthyEndpoint> UnhealthyEndpoints, int HealthyCount, int UnhealthyCount);

internal sealed record HealthyEndpoint(string Model, string ModelId);
