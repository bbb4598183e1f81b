using System.Text.Json.Serialization;
using LlmAspire.Api.Llm;
using LlmAspire.Usage;

namespace LlmAspire.Api.Chat;

/// <summary>One server-sent event of a run. Its type is not in the data but in the event.</summary>
public abstract record ChatEvent
{
    internal abstract string EventType { get; }
}

/// <summary><c>run</c>: the first of an attempt.</summary>
/// <param name="RunId">What the endpoints below <c>/chat/runs/{id}</c> take.</param>
/// <param name="Attempt">1, and one more each time that the answer is continued.</param>
/// <param name="RequestId">What the ledger's rows of this attempt have in common.</param>
/// <param name="UserMessageId">The message that is answered.</param>
/// <param name="MessageId">The answer.</param>
public sealed record RunStarted(
    Guid RunId, int Attempt, Guid RequestId, Guid ConversationId, Guid UserMessageId, Guid MessageId, string Model, string TraceId) : ChatEvent
{
    internal override string EventType => "run";
}

/// <summary><c>delta</c>: the next piece of the answer.</summary>
public sealed record AnswerDelta(string Text) : ChatEvent
{
    internal override string EventType => "delta";
}

/// <summary>
/// <c>tool</c>: a call of a tool, told when the model asks for it and again when it has ended. Of two with the same round and call id, the later counts.
/// </summary>
/// <param name="CallId">The model's own id of the call; another round may have the same one.</param>
/// <param name="Round">Calls of one round were asked for together. From 1; an answer that is continued goes on counting.</param>
/// <param name="At">How much of the answer's text, in UTF-16 code units, came before it.</param>
/// <param name="Arguments">JSON, within <c>Tools:MaxArgumentCharacters</c>; null when the model sent something else.</param>
/// <param name="Result">What the model was told; null while the tool runs.</param>
/// <param name="DurationMs">Null while the tool runs, and when it was not called.</param>
public sealed record ToolCall(
    string CallId, string Name, int Round, int At, ToolCallState State, string? Arguments, string? Result, int? DurationMs) : ChatEvent
{
    internal override string EventType => "tool";
}

/// <summary>How far a call of a tool is.</summary>
[JsonConverter(typeof(EnumNameConverter<ToolCallState>))]
public enum ToolCallState
{
    /// <summary>The tool runs.</summary>
    [JsonStringEnumMemberName("called")] Called,
    [JsonStringEnumMemberName("ok")] Ok,
    [JsonStringEnumMemberName("failed")] Failed,
    [JsonStringEnumMemberName("timeout")] Timeout,

    /// <summary>The answer ended while the tool ran.</summary>
    [JsonStringEnumMemberName("stopped")] Stopped,
}

/// <summary><c>reset</c>: the reader has what was never stored, or misses what came before: this is the answer so far, in place of what it has.</summary>
public sealed record AnswerReset(string Text, IReadOnlyList<ToolCall> Tools) : ChatEvent
{
    internal override string EventType => "reset";
}

/// <summary><c>usage</c>: a call to a provider is over, and this is its row of the ledger.</summary>
/// <param name="CallId">The row's id.</param>
/// <param name="Model">The alias that was asked for.</param>
/// <param name="Provider">Who served; null when the gateway does not tell.</param>
/// <param name="TtftMs">Milliseconds to the first content; null when there was none.</param>
public sealed record CallUsage(
    Guid CallId,
    string Model,
    string? Provider,
    string? ServedModel,
    long PromptTokens,
    long CompletionTokens,
    long? CachedPromptTokens,
    long? ReasoningTokens,
    UsageSource Source,
    UsageOutcome Outcome,
    int? TtftMs,
    int DurationMs,
    string TraceId) : ChatEvent
{
    internal override string EventType => "usage";

    internal static CallUsage From(UsageEvent usage, string traceId) => new(
        usage.Id,
        usage.ModelAlias,
        usage.Provider,
        usage.ServedModel,
        usage.PromptTokens,
        usage.CompletionTokens,
        usage.CachedPromptTokens,
        usage.ReasoningTokens,
        usage.Source,
        usage.Outcome,
        usage.TtftMs,
        usage.DurationMs,
        traceId);
}

/// <summary><c>done</c>: the last event of an answer; what it used is durable.</summary>
/// <param name="FinishReason">The model's own (<c>stop</c>, <c>length</c>, …), or <c>stopped</c> by the user.</param>
public sealed record RunDone(string FinishReason) : ChatEvent
{
    public const string Stopped = "stopped";

    internal override string EventType => "done";
}

/// <summary><c>error</c>: the last event of a run that failed, in the form of problem details.</summary>
public sealed record RunError(string Type, string Title, int Status, string Detail, string Code, string TraceId) : ChatEvent
{
    internal const string InterruptedCode = "run_interrupted";

    /// <summary>The further members of the problem.</summary>
    [JsonExtensionData]
    public IDictionary<string, object?>? Extensions { get; init; }

    internal override string EventType => "error";

    internal static RunError From(GatewayFailure failure, string traceId) => new(
        "about:blank", failure.Title, failure.Status, failure.Detail, failure.Code, traceId)
    {
        Extensions = failure.Extensions.Count == 0 ? null : failure.Extensions.ToDictionary(),
    };

    /// <summary>The process that made the answer is gone.</summary>
    internal static RunError Interrupted(string traceId) => new(
        "about:blank", "The answer was interrupted.", StatusCodes.Status503ServiceUnavailable,
        "What was stored of it is kept. Continue it, or have it made again.", InterruptedCode, traceId);
}
