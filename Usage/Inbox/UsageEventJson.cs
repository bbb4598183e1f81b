using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>
/// The stored form of a <see cref="UsageEvent"/>: the ledger's column names, nulls left out. Example:
/// <c>{"id":"0193…","operation":"chat","prompt_tokens":12,…,"raw_usage":{"prompt_tokens":12,…}}</c>.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UsageEvent))]
internal sealed partial class UsageEventJson : JsonSerializerContext
{
    /// <summary>As JSON that <c>jsonb</c> takes, raw usage apart: that is not ours.</summary>
    public static string Serialize(UsageEvent usageEvent) => JsonSerializer.Serialize(
        usageEvent with
        {
            Traceparent = WithoutNul(usageEvent.Traceparent),
            ModelAlias = WithoutNul(usageEvent.ModelAlias)!,
            Provider = WithoutNul(usageEvent.Provider),
            ServedModel = WithoutNul(usageEvent.ServedModel),
            GatewayCallId = WithoutNul(usageEvent.GatewayCallId),
            RawUsage = usageEvent.RawUsage is { ValueKind: JsonValueKind.Undefined } ? null : usageEvent.RawUsage,
        },
        Default.UsageEvent);

    /// <summary>With the raw usage as one JSON string: for usage that is JSON but not jsonb, such as a NUL or a number beyond numeric.</summary>
    public static string SerializeWithRawUsageAsText(UsageEvent usageEvent)
    {
        using var text = JsonDocument.Parse(JsonSerializer.Serialize(usageEvent.RawUsage?.GetRawText(), UsageEventJson.Default.String));
        return Serialize(usageEvent with { RawUsage = text.RootElement });
    }

    /// <summary>PostgreSQL has no NUL in text.</summary>
    private static string? WithoutNul(string? text) => text?.Replace('\0', '\uFFFD');
}
