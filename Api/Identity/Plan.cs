using System.Text.Json.Serialization;
using LlmAspire.Usage;

namespace LlmAspire.Api.Identity;

/// <summary>What a user may use. Each plan holds what the ones before it hold.</summary>
[JsonConverter(typeof(EnumNameConverter<Plan>))]
public enum Plan
{
    [JsonStringEnumMemberName("basic")] Basic,
    [JsonStringEnumMemberName("pro")] Pro,
    [JsonStringEnumMemberName("enterprise")] Enterprise,
}
