using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>Where a revision comes from. Manual and imported prices go before the gateway's. Stored in lower case.</summary>
[JsonConverter(typeof(EnumNameConverter<PriceSource>))]
public enum PriceSource
{
    [JsonStringEnumMemberName("manual")] Manual,

    /// <summary>From the gateway's <c>/model/info</c>.</summary>
    [JsonStringEnumMemberName("gateway")] Gateway,

    [JsonStringEnumMemberName("import")] Import,
}
