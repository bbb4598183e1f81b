using LlmAspire.Web.Api;

namespace LlmAspire.Web.Chat;

/// <summary>An event of an answer's stream.</summary>
public abstract record ChatEvent;

/// <summary><c>run</c>: the Api took the message. From here on the run can be stopped.</summary>
/// <param name="Attempt">1, and one more each time that the answer is continued.</param>
/// <param name="UserMessageId">The message that is answered.</param>
/// <param name="MessageId">The answer.</param>
public sealed record RunStarted(
    string RunId, int Attempt, string? RequestId, Guid? ConversationId, Guid? UserMessageId, Guid? MessageId, string? Model, string? TraceId) : ChatEvent;

/// <summary><c>delta</c>: the next piece of the answer's text.</summary>
public sealed record TextDelta(string Text) : ChatEvent;

/// <summary><c>tool</c>: a call of a tool, when the model asks for it and again when it has ended. The later counts.</summary>
/// <param name="Round">Calls of one round were asked for together; another round may have the same call id.</param>
/// <param name="At">How much of the answer's text, in UTF-16 code units, came before it.</param>
/// <param name="State"><see cref="Called"/>, <see cref="Ok"/>, <c>failed</c>, <see cref="Timeout"/> or <see cref="Stopped"/>.</param>
/// <param name="Arguments">JSON; null when the model sent something else.</param>
/// <param name="Result">What the model was told; null while the tool runs.</param>
public sealed record ToolCall(
    string CallId, string Name, int Round, int At, string State, string? Arguments, string? Result, int? DurationMs) : ChatEvent
{
    public const string Called = "called";
    public const string Ok = "ok";
    public const string Timeout = "timeout";
    public const string Stopped = "stopped";
}

/// <summary><c>reset</c>: the answer so far, in place of what the reader has.</summary>
public sealed record TextReset(string Text, IReadOnlyList<ToolCall>? Tools = null) : ChatEvent;

/// <summary><c>usage</c>: one call to a provider, settled. Times are in milliseconds.</summary>
/// <param name="CallId">The ledger row's id.</param>
/// <param name="PromptTokens">Null when nobody knows.</param>
/// <param name="Source">Where the numbers come from: <c>provider</c>, <c>partial</c>, <c>estimated</c>, <c>none</c>.</param>
/// <param name="Outcome"><c>completed</c>, <c>stopped</c>, <c>disconnected</c>, <c>failed</c>, <c>interrupted</c>.</param>
public sealed record CallUsage(
    string CallId,
    string? Model,
    string? Provider,
    string? ServedModel,
    long? PromptTokens,
    long? CompletionTokens,
    long? CachedPromptTokens,
    long? ReasoningTokens,
    string? Source,
    string? Outcome,
    double? TtftMs,
    double? DurationMs,
    string? TraceId) : ChatEvent;

/// <summary><c>done</c>: the answer is complete, or was stopped (<c>stopped</c>) or cut off (<c>length</c>, <c>content_filter</c>).</summary>
public sealed record AnswerDone(string? FinishReason) : ChatEvent;

/// <summary><c>error</c>: the answer failed after it began.</summary>
public sealed record AnswerFailed(Problem Problem) : ChatEvent;
