namespace LlmAspire.Web.Chat;

public enum AnswerState
{
    Streaming,
    Done,
    Stopped,
    Failed,
}
