using LlmAspire.Web.Chat;

namespace LlmAspire.Web.Compare;

/// <summary>The body of <c>POST /chat/compare</c>.</summary>
/// <param name="ConversationId">Null for a new one.</param>
/// <param name="Models">Aliases: two to six.</param>
/// <param name="ParentMessageId">The message before; of no meaning in a new conversation.</param>
/// <param name="Tools">Names of tools that the models may use.</param>
/// <param name="PromptId">The saved prompt of a new conversation; null for none.</param>
public record CompareRequest(
    Guid? ConversationId, string Message, IReadOnlyList<string> Models, Guid? ParentMessageId, IReadOnlyList<string>? Tools, Guid? PromptId);

/// <summary>The body of <c>POST /chat/race</c>.</summary>
/// <param name="Accept">Null when every complete answer is good.</param>
public sealed record RaceRequest(
    Guid? ConversationId, string Message, IReadOnlyList<string> Models, Guid? ParentMessageId, IReadOnlyList<string>? Tools, Guid? PromptId, RaceCheck? Accept)
    : CompareRequest(ConversationId, Message, Models, ParentMessageId, Tools, PromptId);

/// <summary>What a good answer is, besides being complete and not blank. All that is given has to hold.</summary>
/// <param name="Contains">Text that it contains, in this case of letters.</param>
/// <param name="Pattern">A regular expression that matches somewhere.</param>
public sealed record RaceCheck(int? MinCharacters, string? Contains, string? Pattern);

/// <summary>An event of the stream of a comparison or a race.</summary>
public abstract record CompareEvent;

/// <summary><c>runs</c>: the Api took the message. From here on each answer can be stopped, and read by itself.</summary>
/// <param name="Runs">In the order of the models.</param>
public sealed record ComparisonStarted(Guid ConversationId, IReadOnlyList<ComparedRun> Runs) : CompareEvent;

public sealed record ComparedRun(string RunId, Guid MessageId, string Model);

/// <summary>An event of one of the answers.</summary>
public sealed record ComparedEvent(string RunId, ChatEvent Event) : CompareEvent;

/// <summary><c>winner</c>: an answer won the race. The others are being stopped.</summary>
/// <param name="DurationMs">Milliseconds that it took.</param>
public sealed record RaceWon(string RunId, int DurationMs) : CompareEvent;

/// <summary><c>done</c> of the whole: every answer has ended.</summary>
/// <param name="SavedMs">How many milliseconds sooner the winner was there than the slowest loser alone; null when that is not known.</param>
public sealed record ComparisonDone(int? SavedMs, IReadOnlyList<ComparedEnd> Answers) : CompareEvent;

/// <summary>How an answer of a comparison or a race ended.</summary>
/// <param name="DurationMs">Milliseconds that its calls took; until they were closed, unless <paramref name="IsWhole"/>.</param>
/// <param name="IsWhole">Whether its calls were read to their end.</param>
/// <param name="StoppedAfterMs">What a loser had had, in milliseconds, when the winner was there.</param>
public sealed record ComparedEnd(string RunId, int DurationMs, bool IsWhole, int? StoppedAfterMs);
