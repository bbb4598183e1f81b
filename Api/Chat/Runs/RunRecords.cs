using System.Text.Json;
using System.Text.Json.Serialization;
using LlmAspire.Api.Conversations.Data;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>
/// Something that has to be written down about a run. Writing it twice is harmless, and one that comes after its run was continued by
/// another process changes nothing. It goes to the spool as JSON: a change of a name here is a change of the stored form.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(RunStart), "start")]
[JsonDerivedType(typeof(RunEvents), "events")]
[JsonDerivedType(typeof(RunEnd), "end")]
[JsonDerivedType(typeof(RunChosen), "chosen")]
internal abstract record RunRecord(Guid RunId)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerOptions.Web) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    public string Serialize() => JsonSerializer.Serialize(this, Json);

    /// <exception cref="JsonException">It is none of this version. A member that is not known is of a newer one: nothing of it may be left out.</exception>
    public static RunRecord Deserialize(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<RunRecord>(json, Json) ?? throw new JsonException("There is no record.");
        }
        catch (NotSupportedException exception)
        {
            throw new JsonException("The record does not say its kind.", exception);
        }
    }
}

/// <summary>A new run, its empty answer, and what is new with it.</summary>
/// <param name="Title">Of a new conversation; null when there is one already.</param>
/// <param name="UserMessageId">The message that is answered.</param>
/// <param name="UserMessage">Its text; null when it is there already.</param>
/// <param name="UserParentId">What a new message follows.</param>
internal sealed record RunStart(
    Guid RunId,
    Guid InstanceId,
    Guid RequestId,
    Guid OrgId,
    Guid UserId,
    Guid ConversationId,
    string? Title,
    Guid UserMessageId,
    string? UserMessage,
    Guid? UserParentId,
    Guid MessageId,
    string Model,
    string TraceId,
    DateTimeOffset At) : RunRecord(RunId)
{
    /// <summary>What a new conversation tells the model first; null for nothing.</summary>
    public PromptCopy? Prompt { get; init; }

    /// <summary>The names of the tools that it may call: a JSON list; null for none.</summary>
    public string? Tools { get; init; }

    /// <summary>Others answer the same message at the same time: of them, the first is current in the conversation until one is chosen.</summary>
    public bool Together { get; init; }
}

/// <summary>The next events of a run.</summary>
internal sealed record RunEvents(Guid RunId, int Attempt, int First, int Last, string Text, string Events) : RunRecord(RunId);

/// <summary>The end of an attempt, with its last events.</summary>
/// <param name="Content">The whole answer.</param>
/// <param name="Forget">
/// The caller was told of a failure instead of an answer: the answer goes, and what came with it, so that sending it again does not double it.
/// </param>
internal sealed record RunEnd(
    Guid RunId,
    Guid MessageId,
    RunEvents LastEvents,
    MessageStatus Status,
    string? FinishReason,
    string Content,
    string? Error,
    string Usage,
    string TraceId,
    DateTimeOffset At,
    RunForgotten? Forget) : RunRecord(RunId)
{
    /// <summary>The calls of tools of the answer: a JSON list; null without any.</summary>
    public string? Tools { get; init; }
}

/// <summary>Of several answers to a message, this is the one to go on with, unless the user has gone elsewhere meanwhile.</summary>
internal sealed record RunChosen(Guid RunId, Guid ConversationId, Guid MessageId) : RunRecord(RunId);

/// <param name="Conversation">The conversation was new.</param>
/// <param name="UserMessageId">When the user's message was new.</param>
/// <param name="Current">What was current in the conversation before.</param>
internal sealed record RunForgotten(Guid ConversationId, bool Conversation, Guid? UserMessageId, Guid? Current);
