using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>Where the token numbers of a row come from. Stored in lower case.</summary>
[JsonConverter(typeof(EnumNameConverter<UsageSource>))]
public enum UsageSource
{
    /// <summary>The provider reported them for the whole call.</summary>
    [JsonStringEnumMemberName("provider")] Provider,

    /// <summary>The provider reported a part, such as the second half of a mid-stream fallback.</summary>
    [JsonStringEnumMemberName("partial")] Partial,

    /// <summary>Counted by us from the text.</summary>
    [JsonStringEnumMemberName("estimated")] Estimated,

    /// <summary>Nothing is known.</summary>
    [JsonStringEnumMemberName("none")] None,
}
