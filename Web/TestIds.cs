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

    /// <summary>The menu of tools, with those that are sent in <c>data-chosen</c>; its entries have the tool in <c>data-tool</c>. Not there without tools.</summary>
    public const string ToolPicker = "tool-picker";

    /// <summary>
    /// A call of a tool, inside an answer, with <c>data-tool</c> and <c>data-state</c> (<c>called</c>, <c>ok</c>, <c>failed</c>, <c>timeout</c>, <c>stopped</c>);
    /// its <c>summary</c> opens it, what has <c>data-part</c> is <c>arguments</c> or <c>result</c>.
    /// </summary>
    public const string ToolCall = "tool-call";

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

    /// <summary>Leads to the page where models are compared.</summary>
    public const string Compare = "compare";

    /// <summary>A model to compare, a check box, with <c>data-model-id</c>.</summary>
    public const string CompareModel = "compare-model";

    /// <summary>An answer beside others, with <see cref="Answer"/> inside; <c>data-model</c> is its model.</summary>
    public const string CompareAnswer = "compare-answer";

    /// <summary>What an answer cost; a figure <c>costUsd</c> when it is known.</summary>
    public const string CompareCost = "compare-cost";

    /// <summary>Goes on with one of the answers, in the chat.</summary>
    public const string CompareContinue = "compare-continue";

    /// <summary>Stops one of the answers.</summary>
    public const string CompareStop = "compare-stop";

    /// <summary>Of which conversation the next message is compared, with <c>data-conversation-id</c>; missing for a new one.</summary>
    public const string CompareOrigin = "compare-origin";

    /// <summary>Wants all answers, a radio button.</summary>
    public const string CompareMode = "compare-mode";

    /// <summary>Wants the first good answer, a radio button.</summary>
    public const string RaceMode = "race-mode";

    /// <summary>How many characters a good answer has.</summary>
    public const string RaceLength = "race-length";

    /// <summary>What a good answer contains.</summary>
    public const string RaceWords = "race-words";

    /// <summary>The regular expression that a good answer matches.</summary>
    public const string RacePattern = "race-pattern";

    /// <summary>Who won, as <c>data-winner</c>, with figures <c>wonAfterMs</c>, <c>savedMs</c> where it is known, and <c>lostTokens</c>.</summary>
    public const string RaceResult = "race-result";

    /// <summary>How an answer did: <c>data-place</c> is won, cancelled, drained, beaten, stopped or not-good.</summary>
    public const string RacePlace = "race-place";

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

    /// <summary>Below a text box: its text is too long to be sent. Empty when it is not.</summary>
    public const string TooLong = "too-long";

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
    public const string Invitations = "invitations";
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

    // Reports. A number is a data element: its attribute value is exact, with a point and no grouping; data-figure names it. Rows have their key in
    // data-key (as the Api's keys; "all" for sums), unless something else is said.

    /// <summary>All of a usage report; <c>data-loading</c> while another one is fetched.</summary>
    public const string UsageReport = "usage-report";

    /// <summary>Says that nothing was used.</summary>
    public const string UsageEmpty = "usage-empty";

    /// <summary>The named ranges, a combobox; its options have <c>data-range</c>.</summary>
    public const string UsageRange = "usage-range";

    /// <summary>The first day.</summary>
    public const string UsageFrom = "usage-from";

    /// <summary>The last day.</summary>
    public const string UsageUntil = "usage-until";

    /// <summary>The time zone.</summary>
    public const string UsageZone = "usage-zone";

    /// <summary>Begins a filter: <see cref="UsageDimension"/> and <see cref="UsageFilterValue"/> follow.</summary>
    public const string AddFilter = "add-filter";

    /// <summary>What is filtered by, a combobox; its options have <c>data-dimension</c>.</summary>
    public const string UsageDimension = "usage-dimension";

    /// <summary>The value of a filter.</summary>
    public const string UsageFilterValue = "usage-filter-value";

    /// <summary>A filter that is set, with <c>data-dimension</c> and <c>data-value</c>.</summary>
    public const string UsageFilter = "usage-filter";

    /// <summary>As of when the figures are; <c>data-as-of</c> is the pin.</summary>
    public const string AsOf = "as-of";

    /// <summary>Leads to the same figures for ever.</summary>
    public const string Pin = "pin";

    /// <summary>Leads from pinned figures to the newest.</summary>
    public const string Unpin = "unpin";

    /// <summary>Downloads the calls of a report as CSV.</summary>
    public const string ExportCsv = "export-csv";

    /// <summary>Downloads the calls of a report as JSON lines.</summary>
    public const string ExportJson = "export-json";

    /// <summary>The sums, with the Api's names in <c>data-figure</c>.</summary>
    public const string UsageTotals = "usage-totals";

    /// <summary>The table of what is estimated, partial and unpriced, by <c>data-key</c>: <c>share</c>, <c>tokens</c>, <c>costUsd</c>, <c>calls</c>.</summary>
    public const string UsageSureness = "usage-sureness";

    /// <summary>A chart by time with its table; <c>data-chart</c> is <c>tokens</c> or <c>cost</c>.</summary>
    public const string UsageChart = "usage-chart";

    /// <summary>The table beside a chart, with its <c>data-chart</c>; figures of a row are named by the models of the columns, and <c>all</c>.</summary>
    public const string UsageTable = "usage-table";

    /// <summary>A table of shares; <c>data-by</c> is <c>model</c>, <c>user</c> or <c>org</c>. Figures: <c>totalTokens</c>, <c>tokenShare</c>, <c>costUsd</c>, <c>costShare</c>, <c>calls</c>, <c>unpricedCalls</c>.</summary>
    public const string UsageShares = "usage-shares";

    /// <summary>The table of latency by model, with the Api's names in <c>data-figure</c>.</summary>
    public const string UsageLatency = "usage-latency";

    /// <summary>The card of the month's tokens, with the Api's names in <c>data-figure</c>.</summary>
    public const string Budget = "budget";

    /// <summary>How long the tokens last; <c>data-warning</c> when not to the end of the month.</summary>
    public const string BudgetLasts = "budget-lasts";

    /// <summary>Leads from a report to all its calls.</summary>
    public const string AllCalls = "all-calls";

    /// <summary>The table of calls.</summary>
    public const string Calls = "calls";

    /// <summary>A row of <see cref="Calls"/>, with <c>data-call-id</c>.</summary>
    public const string Call = "call";

    /// <summary>Shows more of a list.</summary>
    public const string LoadMore = "load-more";

    /// <summary>What opens beside a page.</summary>
    public const string SidePanel = "side-panel";

    /// <summary>Closes <see cref="SidePanel"/>.</summary>
    public const string ClosePanel = "close-panel";

    /// <summary>Why <see cref="SidePanel"/> cannot show or do something.</summary>
    public const string PanelProblem = "panel-problem";

    /// <summary>A call's story, with <c>data-call-id</c>.</summary>
    public const string CallStory = "call-story";

    /// <summary>The tokens and the cost of a call by class, in <c>data-key</c>: <c>tokens</c>, <c>costUsd</c>.</summary>
    public const string CallCosts = "call-costs";

    /// <summary>Leads to the trace of a call.</summary>
    public const string TraceLink = "trace-link";

    /// <summary>Other calls of the same request.</summary>
    public const string SameRequest = "same-request";

    /// <summary>The usage as the provider reported it.</summary>
    public const string RawUsage = "raw-usage";

    /// <summary>The table of prices; a row has <c>data-provider</c> and <c>data-model</c>, a cell <c>data-class</c>.</summary>
    public const string Prices = "prices";

    /// <summary>The revision that the table of prices shows.</summary>
    public const string PriceRevision = "price-revision";

    /// <summary>The table of what was used without a price; a row has <c>data-provider</c> and <c>data-model</c>.</summary>
    public const string Unpriced = "unpriced";

    /// <summary>Says that all has a price.</summary>
    public const string AllPriced = "all-priced";

    /// <summary>Opens the editor for a model that has no price.</summary>
    public const string AddPrice = "add-price";

    /// <summary>Opens the import of prices.</summary>
    public const string ImportPrices = "import-prices";

    /// <summary>Downloads what people said of prices.</summary>
    public const string ExportPrices = "export-prices";

    /// <summary>The file that is imported.</summary>
    public const string PriceFile = "price-file";

    /// <summary>The provider of a model that is added.</summary>
    public const string PriceProvider = "price-provider";

    /// <summary>The name of a model that is added.</summary>
    public const string PriceModel = "price-model";

    /// <summary>The day that a price begins with.</summary>
    public const string PriceDay = "price-day";

    /// <summary>The hour that a price begins with.</summary>
    public const string PriceHour = "price-hour";

    /// <summary>What a change does, and saving it.</summary>
    public const string PriceReview = "price-review";

    /// <summary>Previews a change.</summary>
    public const string PreviewPrices = "preview-prices";

    /// <summary>What a change does; a row has the month in <c>data-key</c> and <c>data-model</c>.</summary>
    public const string PriceEffects = "price-effects";

    /// <summary>Says that a preview has amounts with more digits than can be told.</summary>
    public const string AmountTooLarge = "amount-too-large";

    /// <summary>What is wrong with a change; an item has the entry in <c>data-index</c>.</summary>
    public const string PriceErrors = "price-errors";

    /// <summary>What looks like a mistake; an item has the entry in <c>data-index</c>.</summary>
    public const string PriceDoubts = "price-doubts";

    /// <summary>Says that what looks like a mistake is meant.</summary>
    public const string AcceptDoubts = "accept-doubts";

    /// <summary>Why prices change.</summary>
    public const string PriceReason = "price-reason";

    /// <summary>Saves a change of prices.</summary>
    public const string SavePrices = "save-prices";

    /// <summary>The revisions of a model; an item has <c>data-revision</c>.</summary>
    public const string PriceHistory = "price-history";

    /// <summary>Whom the ledger is compared with, a combobox; its options have <c>data-source</c>.</summary>
    public const string DriftSource = "drift-source";

    /// <summary>The table of drift; a row has <c>data-day</c>, <c>data-provider</c>, <c>data-model</c>, and <c>data-above</c> above the threshold.</summary>
    public const string Drift = "drift";

    /// <summary>Shows only rows above the threshold.</summary>
    public const string DriftOnly = "drift-only";

    /// <summary>Says that something drifts more than it should; <c>data-rows</c> is how many rows.</summary>
    public const string DriftNotice = "drift-notice";

    /// <summary>Says that nothing does.</summary>
    public const string DriftFine = "drift-fine";

    /// <summary>Says that the gateway tells nothing; <c>data-problem</c> is why.</summary>
    public const string GatewayNotice = "gateway-notice";

    /// <summary>The calls that differ; a row has <c>data-kind</c> and <c>data-gateway-call-id</c>.</summary>
    public const string Differences = "differences";

    /// <summary>The invoice that is imported.</summary>
    public const string InvoiceFile = "invoice-file";

    /// <summary>Why an invoice was not imported.</summary>
    public const string InvoiceProblem = "invoice-problem";

    /// <summary>What is wrong with an invoice; an item has <c>data-line</c>.</summary>
    public const string InvoiceErrors = "invoice-errors";

    /// <summary>The invoices that were imported; a row has <c>data-name</c>.</summary>
    public const string Invoices = "invoices";

    /// <summary>The list of prompts; an item has <c>data-prompt-id</c> and <c>data-name</c>.</summary>
    public const string Prompts = "prompts";

    /// <summary>Shows the person's own prompts.</summary>
    public const string PromptsMine = "prompts-mine";

    /// <summary>Shows the prompts that the organisation shares.</summary>
    public const string PromptsShared = "prompts-shared";

    /// <summary>Finds prompts by words.</summary>
    public const string PromptSearch = "prompt-search";

    /// <summary>Opens the editor for a new prompt.</summary>
    public const string NewPrompt = "new-prompt";

    /// <summary>The name of the prompt that is edited.</summary>
    public const string PromptName = "prompt-name";

    /// <summary>The text of the prompt that is edited; busy (<c>aria-busy</c>) while a model writes it.</summary>
    public const string PromptText = "prompt-text";

    /// <summary>Shares the prompt that is edited.</summary>
    public const string SharePrompt = "share-prompt";

    /// <summary>Saves the prompt that is edited.</summary>
    public const string SavePrompt = "save-prompt";

    /// <summary>Begins a chat with the prompt that is edited.</summary>
    public const string UsePrompt = "use-prompt";

    /// <summary>What can be done when somebody else saved meanwhile.</summary>
    public const string PromptConflict = "prompt-conflict";

    /// <summary>The versions of a prompt; an item has <c>data-version</c>.</summary>
    public const string PromptVersions = "prompt-versions";

    /// <summary>Opens the writing of a prompt by a model; <see cref="PromptWish"/> and <see cref="WritePrompt"/> follow.</summary>
    public const string OpenGenerator = "open-generator";

    /// <summary>What a model is to write, or to change.</summary>
    public const string PromptWish = "prompt-wish";

    /// <summary>Has a model write or improve the prompt.</summary>
    public const string WritePrompt = "write-prompt";

    /// <summary>Stops the writing.</summary>
    public const string StopWriting = "stop-writing";

    /// <summary>Says that the prompt was written, or stopped.</summary>
    public const string PromptWritten = "prompt-written";

    /// <summary>Puts back the text from before the writing.</summary>
    public const string PutBack = "put-back";

    /// <summary>Chooses the prompt of the chat; <c>data-prompt-id</c> is the one in use, items have <c>data-prompt-choice</c>.</summary>
    public const string PromptPicker = "prompt-picker";

    /// <summary>Goes on without a prompt.</summary>
    public const string NoPrompt = "no-prompt";

    /// <summary>Says which prompt the conversation uses, with <c>data-prompt-id</c> and <c>data-version</c>.</summary>
    public const string PromptInUse = "prompt-in-use";

    /// <summary>The examples of the API; <c>data-base-url</c> is the address that they call.</summary>
    public const string ApiExamples = "api-examples";

    /// <summary>Says that the address of the Api is not known.</summary>
    public const string ApiAddressUnknown = "api-address-unknown";

    /// <summary>The field for the new price of a class.</summary>
    public static string PriceOf(string tokenClass) => $"price-of-{tokenClass}";
}
