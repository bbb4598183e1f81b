using LlmAspire.Web.Chat;

namespace LlmAspire.Web.Compare;

/// <summary>The body of <c>POST /chat/compare</c>, for a new conversation.</summary>
/// <param name="Models">Aliases: two to six.</param>
public sealed record CompareRequest(string Message, IReadOnlyList<string> Models);

/// <summary>An event of a comparison's stream.</summary>
public abstract record CompareEvent;

/// <summary><c>runs</c>: the Api took the message. From here on each answer can be stopped, and read by itself.</summary>
/// <param name="Runs">In the order of the models.</param>
public sealed record ComparisonStarted(Guid ConversationId, IReadOnlyList<ComparedRun> Runs) : CompareEvent;

public sealed record ComparedRun(string RunId, Guid MessageId, string Model);

/// <summary>An event of one of the answers.</summary>
public sealed record ComparedEvent(string RunId, ChatEvent Event) : CompareEvent;

/// <summary><c>done</c> of the whole: every answer has ended.</summary>
public sealed record ComparisonDone : CompareEvent;
