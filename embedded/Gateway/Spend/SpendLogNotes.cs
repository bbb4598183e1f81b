using System.Text.Json;
using System.Text.Json.Nodes;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.Faults;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Spend;

/// <summary>Notes at the acceptance of a call what its spend log will say.</summary>
internal static class SpendLogNotes
{
    /// <summary>JSON of the client's own; LiteLLM keeps it with the log.</summary>
    private const string Header = "x-litellm-spend-logs-metadata";

    public static SpendLogNote Of(HttpRequest http, ChatCompletionRequest request, FaultPlan plan) => new(
        request.User is { ValueKind: JsonValueKind.String } user ? user.GetString() : null,
        Metadata(http.Headers[Header].ToString()),
        plan.Spend is { Tokens: null } ? true : null,
        plan.Spend?.Tokens);

    /// <summary>What is no JSON object is passed over, as the proxy passes it over.</summary>
    private static JsonObject? Metadata(string header)
    {
        try
        {
            return header.Length > 0 ? JsonNode.Parse(header) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
