namespace LlmAspire.Web.Chat;

/// <summary>
/// The page's handles for browser tests, as <c>data-testid</c>. They are a contract: change them with the tests that use them.
/// The server renders no page before the circuit is connected, so an element that exists also reacts.
/// </summary>
public static class TestIds
{
    /// <summary>The text box. Enter sends, Shift+Enter starts a new line.</summary>
    public const string MessageInput = "message-input";

    /// <summary>The button that sends; there while no answer is under way.</summary>
    public const string Send = "send";

    /// <summary>The button that stops; there in place of <see cref="Send"/> while an answer is under way.</summary>
    public const string Stop = "stop";

    /// <summary>A message of the user.</summary>
    public const string Question = "question";

    /// <summary>An answer; <c>data-state</c> is <c>streaming</c>, <c>done</c>, <c>stopped</c> or <c>error</c>.</summary>
    public const string Answer = "answer";

    /// <summary>The text of an answer, inside it.</summary>
    public const string AnswerText = "answer-text";

    /// <summary>
    /// One provider call, below an answer, with <c>data-prompt-tokens</c>, <c>data-completion-tokens</c> (empty when
    /// unknown), <c>data-trace-id</c>, <c>data-model</c> (the alias), <c>data-call-id</c> and <c>data-source</c>.
    /// </summary>
    public const string Usage = "usage";

    /// <summary>A trace id with its copy button; <c>data-trace-id</c> is all of it.</summary>
    public const string Trace = "trace";

    /// <summary>The list of models, a combobox; its options have the role <c>option</c> and the model in <c>data-model-id</c>.</summary>
    public const string ModelPicker = "model-picker";

    /// <summary>Says that the models come from the configured safe list.</summary>
    public const string SafeModeNotice = "safe-mode-notice";

    /// <summary>Says that the list of models may be out of date.</summary>
    public const string StaleNotice = "stale-notice";

    /// <summary>Why an answer failed, inside it.</summary>
    public const string Error = "error";

    /// <summary>Sends the message of a failed answer again, inside <see cref="Error"/>.</summary>
    public const string Retry = "retry";

    /// <summary>Begins a new conversation.</summary>
    public const string NewChat = "new-chat";

    /// <summary>A sample question of the empty page.</summary>
    public const string Sample = "sample";

    /// <summary>Changes between light and dark.</summary>
    public const string ThemeToggle = "theme-toggle";
}
