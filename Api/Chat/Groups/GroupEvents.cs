using LlmAspire.Api.Conversations.Data;

namespace LlmAspire.Api.Chat.Groups;

/// <summary><c>runs</c>: the first event of a comparison or a race. Each run can be read and stopped by its id, as one of <c>POST /chat</c>.</summary>
/// <param name="RequestId">What the ledger's rows of all answers have in common.</param>
/// <param name="UserMessageId">The message that is answered.</param>
/// <param name="Runs">In the order of the models that were asked for.</param>
public sealed record GroupStarted(Guid RequestId, Guid ConversationId, Guid UserMessageId, string TraceId, IReadOnlyList<GroupRun> Runs)
{
    internal const string EventType = "runs";
}

/// <param name="MessageId">The answer: a branch of the conversation.</param>
public sealed record GroupRun(Guid RunId, Guid MessageId, string Model);

/// <summary><c>winner</c>: an answer won the race. It is the conversation's current message now; the others are being stopped.</summary>
/// <param name="DurationMs">Milliseconds from the beginning of its call to the end.</param>
public sealed record GroupWinner(Guid RunId, Guid MessageId, string Model, int DurationMs)
{
    internal const string EventType = "winner";
}

/// <summary><c>done</c> without <c>runId</c>: the last event of a comparison or a race. Every answer is stored, and what it used is durable.</summary>
/// <param name="WinnerRunId">The run that won the race; null when none was good enough, and for a comparison.</param>
/// <param name="SavedMs">
/// How much sooner the race's answer was there than that of the slowest loser alone, in milliseconds, among those losers whose real end is known: those that were
/// read on to it (<c>Usage:OnStop=Drain</c>). Null when none is known: a cancelled loser says only that it would have taken longer.
/// </param>
public sealed record GroupDone(Guid RequestId, Guid ConversationId, Guid? WinnerRunId, int? SavedMs, IReadOnlyList<GroupAnswer> Answers)
{
    internal const string EventType = "done";
}

/// <summary>How an answer ended.</summary>
/// <param name="FinishReason">As in its own event <c>done</c>; null when it failed.</param>
/// <param name="WaitedMs">Milliseconds that it waited for its place among the installation's calls.</param>
/// <param name="DurationMs">
/// Milliseconds that its calls to providers took, as in the ledger. Of a stopped answer that is the time until the call was closed, unless <paramref name="IsWhole"/>.
/// </param>
/// <param name="IsWhole">The calls were read to their end, so that the duration is the model's, and the tokens are the provider's.</param>
/// <param name="StoppedAfterMs">For a loser of a race: the milliseconds that it had had when the winner was there.</param>
public sealed record GroupAnswer(
    Guid RunId, Guid MessageId, string Model, MessageStatus Status, string? FinishReason, int WaitedMs, int DurationMs, bool IsWhole, int? StoppedAfterMs);
