namespace LlmAspire.Web.Chat;

/// <summary>Whether a conversation can be shown.</summary>
public enum ConversationState
{
    Ready,
    Loading,

    /// <summary>There is none, or it is somebody else's.</summary>
    Unknown,

    /// <summary>The Api does not answer.</summary>
    Unavailable,
}
