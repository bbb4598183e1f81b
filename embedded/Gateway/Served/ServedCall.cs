using System.Text.Json.Serialization;

namespace LlmAspire.DemoGateway.Served;

/// <summary>A call as <c>GET /_demo/served</c> tells it: its lines added up.</summary>
/// <param name="Id">This record's own id; a client may use a call id twice.</param>
/// <param name="CompletionTokens">Given out, reasoning included; grows while the call runs.</param>
/// <param name="Finished">False while it runs, and for ever when the gateway died with it.</param>
/// <param name="Outcome">Null until finished.</param>
internal sealed record ServedCall(
    Guid Id,
    string CallId,
    string ModelId,
    string Alias,
    string Provider,
    string ServedModel,
    bool Stream,
    int PromptTokens,
    int CachedTokens,
    int CacheWriteTokens,
    int CompletionTokens,
    int ReasoningTokens,
    bool Finished,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ServedOutcome? Outcome,
    DateTimeOffset AcceptedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] DateTimeOffset? FinishedAt)
{
    public static ServedCall Accepted(Guid id, DateTimeOffset at, ServedCallHead head) => new(
        id,
        head.CallId,
        head.ModelId,
        head.Alias,
        head.Provider,
        head.ServedModel,
        head.Stream,
        head.PromptTokens,
        head.CachedTokens,
        head.CacheWriteTokens,
        CompletionTokens: 0,
        ReasoningTokens: 0,
        Finished: false,
        Outcome: null,
        at,
        FinishedAt: null);

    public ServedCall With(ServedEvent next) => this with
    {
        CompletionTokens = next.CompletionTokens ?? CompletionTokens,
        ReasoningTokens = next.ReasoningTokens ?? ReasoningTokens,
        Finished = Finished || next.Outcome is not null,
        Outcome = next.Outcome ?? Outcome,
        FinishedAt = next.Outcome is null ? FinishedAt : next.At,
    };
}

internal sealed record ServedList(IReadOnlyList<ServedCall> Data);
