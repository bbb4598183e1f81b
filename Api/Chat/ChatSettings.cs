using System.ComponentModel.DataAnnotations;

namespace LlmAspire.Api.Chat;

/// <summary>The limits of a chat: section <c>Chat</c>.</summary>
public sealed class ChatSettings
{
    public const string Section = "Chat";

    /// <summary>UTF-16 code units of one message.</summary>
    [Range(1, 1_000_000)]
    public int MaxMessageCharacters { get; set; } = 100_000;

    /// <summary>Messages before the new one that the model gets; older ones are left out.</summary>
    [Range(0, 10_000)]
    public int MaxHistoryMessages { get; set; } = 200;

    /// <summary>UTF-16 code units of the messages before the new one that the model gets, taken together; older ones are left out.</summary>
    [Range(0, 4_000_000)]
    public int MaxHistoryCharacters { get; set; } = 500_000;

    /// <summary>
    /// How long the response waits for the gateway before it begins. Until then a failure is a status of its own; after
    /// that it is an <c>error</c> event, but the user knows the run and can stop it: a model may think for minutes. Longer than
    /// <c>Usage:PostgresPatience</c>, so that who is refused when PostgreSQL goes away hears it as a status.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "00:01:00")]
    public TimeSpan StartPatience { get; set; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a process may be silent before its answers count as interrupted. Longer than several of <c>Usage:LivenessInterval</c>.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "01:00:00")]
    public TimeSpan InterruptedAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Whether a model gives new conversations their titles.</summary>
    public bool GenerateTitles { get; set; } = true;
}
