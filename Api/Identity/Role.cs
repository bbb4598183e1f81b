using System.Text.Json.Serialization;
using LlmAspire.Usage;

namespace LlmAspire.Api.Identity;

/// <summary>What a person may do in their organisation.</summary>
[JsonConverter(typeof(EnumNameConverter<Role>))]
public enum Role
{
    [JsonStringEnumMemberName("member")] Member,

    /// <summary>Invites, removes, and gives roles.</summary>
    [JsonStringEnumMemberName("admin")] Admin,
}
