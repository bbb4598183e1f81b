using System.Text.Json.Serialization;
using LlmAspire.Api.Llm;
using LlmAspire.Usage;

namespace LlmAspire.Api.Chat;

/// <summary>One server-sent event of a run. Its type is not in the data but in the event.</summary>
public abstract record ChatEvent
{
    internal abstract string EventType { get; }
}

/// <summary><c>run</c>: always the first.</summary>
/// <param name="RunId">What <c>DELETE /chat/runs/{id}</c> takes.</param>
/// <param name="RequestId">What the ledger's rows of this run have in common.</param>
public sealed record RunStarted(Guid RunId, Guid RequestId, Guid? ConversationId, string Model, string TraceId) : ChatEvent
{
    internal override string EventType => "run";
}

/// <summary><c>delta</c>: the next piece of the answer.</summary>
public sealed record AnswerDelta(string Text) : ChatEvent
{
    internal override string EventType => "delta";
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
    /// <summary>The further members of the problem.</summary>
    [JsonExtensionData]
    public IDictionary<string, object?>? Extensions { get; init; }

    internal override string EventType => "error";

    internal static RunError From(GatewayFailure failure, string traceId) => new(
        "about:blank", failure.Title, failure.Status, failure.Detail, failure.Code, traceId)
    {
        Extensions = failure.Extensions.ToDictionary(),
    };
}
