namespace LlmAspire.Web.Chat;

public enum AnswerState
{
    Streaming,
    Done,
    Stopped,

    /// <summary>The process that made it is gone; what was stored is kept.</summary>
    Interrupted,
    Failed,
}
