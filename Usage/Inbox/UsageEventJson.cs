using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>
/// A <see cref="UsageEvent"/> as text, for the spool and for the log: the ledger's column names, nulls left out. Example:
/// <c>{"id":"0193…","operation":"chat","prompt_tokens":12,…,"raw_usage":{"prompt_tokens":12,…}}</c>.
/// </summary>
/// <remarks>
/// It reads more than it writes: older versions wrote raw usage as it came. A member that it does not know is of a newer version, and makes it no event: nothing of
/// it may be left out.
/// </remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 10_000,
    AllowTrailingCommas = true, ReadCommentHandling = JsonCommentHandling.Skip, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(UsageEvent))]
internal sealed partial class UsageEventJson : JsonSerializerContext
{
    public static string Serialize(UsageEvent usageEvent) => JsonSerializer.Serialize(StorableUsage.Of(usageEvent), Default.UsageEvent);

    /// <exception cref="JsonException">It is no event.</exception>
    public static UsageEvent Deserialize(string text) =>
        StorableUsage.Of(JsonSerializer.Deserialize(text, Default.UsageEvent) ?? throw new JsonException("There is no event."));

    /// <summary>The raw usage as it came; null when none came.</summary>
    public static string? RawUsage(UsageEvent usageEvent) =>
        usageEvent.RawUsage is { ValueKind: not JsonValueKind.Undefined } raw ? raw.GetRawText() : null;

    /// <summary>With the raw usage as one JSON string: for usage that is JSON but not jsonb, such as a NUL or a number beyond numeric.</summary>
    public static UsageEvent WithRawUsageAsText(UsageEvent usageEvent) =>
        usageEvent with { RawUsage = JsonSerializer.SerializeToElement(RawUsage(usageEvent), Default.String) };
}
