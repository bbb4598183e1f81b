using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>What a call was made for. Stored in lower case.</summary>
[JsonConverter(typeof(EnumNameConverter<UsageOperation>))]
public enum UsageOperation
{
    [JsonStringEnumMemberName("chat")] Chat,
    [JsonStringEnumMemberName("tool")] Tool,
    [JsonStringEnumMemberName("title")] Title,
    [JsonStringEnumMemberName("prompt")] Prompt,
    [JsonStringEnumMemberName("compare")] Compare,
    [JsonStringEnumMemberName("race")] Race,
    [JsonStringEnumMemberName("api")] Api,
}
