using System.Globalization;
using System.Text.Json;
using LlmAspire.Usage;

namespace LlmAspire.UsageWorker.Reconciliation;

/// <summary>
/// Reads a log of LiteLLM's <c>/spend/logs/v2</c>:
/// <code>
/// {"request_id":"01a2062a-76cb-7a05-8142-b430b8689a62","call_type":"acompletion","spend":6.15e-06,"prompt_tokens":11,"completion_tokens":8,
///  "startTime":"2026-11-23T02:09:35.774000Z","model":"openai/gpt-6-luna","model_group":"chat-default","custom_llm_provider":"openai","status":"success",
///  "metadata":{"spend_logs_metadata":{"llmaspire_call_id":"01a2062a-76cb-7a05-8142-b430b8689a62"}}}
/// </code>
/// </summary>
internal static class SpendLogReader
{
    /// <summary>How far the time in a call's id may be from the start that the gateway tells: clocks differ. Beyond it the id is somebody else's.</summary>
    public static readonly TimeSpan Margin = TimeSpan.FromMinutes(15);

    /// <summary>What LiteLLM puts behind the id of an answer from its cache, with the time after it.</summary>
    private const string CacheHit = "_cache_hit";

    /// <exception cref="JsonException">It is no spend log.</exception>
    public static GatewayLog Read(JsonElement log)
    {
        var requestId = Text(log, "request_id") ?? throw new JsonException("A spend log has no request_id.");
        var start = DateTimeOffset.TryParse(
            Text(log, "startTime"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var told)
            ? told
            : throw new JsonException($"The spend log {requestId} has no startTime.");
        var key = CallKey(log, requestId);
        var provider = Text(log, "custom_llm_provider");
        return new GatewayLog(
            requestId, key, provider, Model(Text(log, "model"), provider), Count(log, "prompt_tokens"), Count(log, "completion_tokens"), Cost(log),
            OpenedAt(key) is { } opened && (opened - start).Duration() <= Margin ? opened : start);
    }

    /// <summary>
    /// The id that the Api sends with every call comes back in the metadata, whatever the version; <c>request_id</c> is the call's id in newer ones, in older
    /// ones the answer's, which the ledger does not have (BerriAI/litellm#28376).
    /// </summary>
    private static string CallKey(JsonElement log, string requestId)
    {
        using var written = Metadata(log, out var metadata);
        if (metadata.ValueKind == JsonValueKind.Object)
        {
            if (metadata.TryGetProperty("spend_logs_metadata", out var ours) && Text(ours, GatewayCallMetadata.CallId) is { } id)
            {
                return id;
            }

            if (Text(metadata, "litellm_call_id") is { } callId)
            {
                return callId;
            }
        }

        var suffix = requestId.IndexOf(CacheHit, StringComparison.Ordinal);
        return suffix > 0 ? requestId[..suffix] : requestId;
    }

    /// <summary>An object, or JSON in a text.</summary>
    private static JsonDocument? Metadata(JsonElement log, out JsonElement metadata)
    {
        if (!log.TryGetProperty("metadata", out metadata) || metadata.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            var document = JsonDocument.Parse(metadata.GetString()!);
            metadata = document.RootElement;
            return document;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Model(string? model, string? provider) =>
        model is not null && provider is not null && model.StartsWith(provider + '/', StringComparison.Ordinal) ? model[(provider.Length + 1)..] : model;

    private static DateTimeOffset? OpenedAt(string key) => Guid.TryParse(key, out var id) && id.Version == 7
        ? DateTimeOffset.FromUnixTimeMilliseconds(UuidV7.UnixMilliseconds(id))
        : null;

    private static long Count(JsonElement log, string name) =>
        log.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var count) && count is >= 0 and < 1e12
            ? (long)count
            : 0;

    private static decimal Cost(JsonElement log) =>
        log.TryGetProperty("spend", out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var cost) && cost is > 0 and < 1e12
            ? (decimal)cost
            : 0;

    private static string? Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value)
            && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;
}
