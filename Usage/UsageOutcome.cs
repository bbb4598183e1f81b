using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>How a call ended. Stored in lower case.</summary>
[JsonConverter(typeof(EnumNameConverter<UsageOutcome>))]
public enum UsageOutcome
{
    [JsonStringEnumMemberName("completed")] Completed,

    /// <summary>The user pressed stop.</summary>
    [JsonStringEnumMemberName("stopped")] Stopped,

    /// <summary>The client went away.</summary>
    [JsonStringEnumMemberName("disconnected")] Disconnected,

    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>The process that made the call died; written by the sweeper.</summary>
    [JsonStringEnumMemberName("interrupted")] Interrupted,
}
