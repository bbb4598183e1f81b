namespace LlmAspire.Web;

/// <summary>
/// The pages' handles for browser tests, as <c>data-testid</c>. They are a contract: change them with the tests that use them.
/// The server renders no interactive page before the circuit is connected, so an element that exists also reacts.
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

    /// <summary>An answer; <c>data-state</c> is <c>streaming</c>, <c>done</c>, <c>stopped</c>, <c>interrupted</c> or <c>error</c>.</summary>
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

    /// <summary>Goes on with an answer that was stopped or interrupted.</summary>
    public const string Continue = "continue";

    /// <summary>Has a message answered once more.</summary>
    public const string Regenerate = "regenerate";

    /// <summary>Opens a message for another version; <see cref="EditInput"/> and <see cref="EditSend"/> follow.</summary>
    public const string Edit = "edit";

    /// <summary>The text of another version.</summary>
    public const string EditInput = "edit-input";

    /// <summary>Sends another version.</summary>
    public const string EditSend = "edit-send";

    /// <summary>Leafs through versions or answers: "2 / 3" between two buttons.</summary>
    public const string Branches = "branches";

    /// <summary>The list of conversations.</summary>
    public const string Conversations = "conversations";

    /// <summary>A conversation of the list, with <c>data-conversation-id</c>.</summary>
    public const string Conversation = "conversation";

    /// <summary>The menu of a conversation of the list.</summary>
    public const string ConversationMenu = "conversation-menu";

    /// <summary>Finds conversations by words.</summary>
    public const string ConversationSearch = "conversation-search";

    /// <summary>Opens the list of conversations on a narrow screen.</summary>
    public const string ShowConversations = "show-conversations";

    /// <summary>Says that a conversation cannot be shown.</summary>
    public const string ConversationAway = "conversation-away";

    /// <summary>Begins a new conversation.</summary>
    public const string NewChat = "new-chat";

    /// <summary>A sample question of the empty page.</summary>
    public const string Sample = "sample";

    /// <summary>Changes between light and dark.</summary>
    public const string ThemeToggle = "theme-toggle";

    /// <summary>The field for an e-mail.</summary>
    public const string Email = "email";

    /// <summary>The field for a password.</summary>
    public const string Password = "password";

    /// <summary>The field for a name, of an organisation or a key.</summary>
    public const string Name = "name";

    /// <summary>Why a form was refused as a whole.</summary>
    public const string FormError = "form-error";

    /// <summary>Signs in, on the sign-in page.</summary>
    public const string SignIn = "sign-in";

    /// <summary>Makes an account.</summary>
    public const string Register = "register";

    /// <summary>Signs out, on the sign-out page.</summary>
    public const string SignOut = "sign-out";

    /// <summary>Why a page of settings cannot be shown, or an action on it failed.</summary>
    public const string PageProblem = "page-problem";

    /// <summary>Says that an action went well.</summary>
    public const string Done = "done";

    /// <summary>A secret that is shown once.</summary>
    public const string Secret = "secret";

    /// <summary>The field for the password that is to be changed.</summary>
    public const string CurrentPassword = "current-password";

    /// <summary>Changes the password.</summary>
    public const string ChangePassword = "change-password";

    /// <summary>The table of members; a row has <c>data-email</c>.</summary>
    public const string Members = "members";

    /// <summary>Makes the link for a new member.</summary>
    public const string Invite = "invite";

    /// <summary>The table of API keys; a row has <c>data-name</c>.</summary>
    public const string Keys = "keys";

    /// <summary>Makes an API key.</summary>
    public const string CreateKey = "create-key";

    /// <summary>Opens the menu of the signed-in person.</summary>
    public const string UserMenu = "user-menu";

    /// <summary>Signs in as a demo account, in Development.</summary>
    public static string DemoAccount(string name) => $"demo-{name}";

    /// <summary>Says that an OpenID Connect provider manages what would be here.</summary>
    public const string ManagedElsewhere = "managed-elsewhere";
}
