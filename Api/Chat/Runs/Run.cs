using LlmAspire.Api.Conversations.Data;

namespace LlmAspire.Api.Chat.Runs;

/// <summary>The making of an answer: what is stored of it.</summary>
public sealed class Run : IOwned
{
    public Guid Id { get; init; }

    public Guid OrgId { get; init; }

    public Guid UserId { get; init; }

    public Guid ConversationId { get; init; }

    public Guid MessageId { get; init; }

    /// <summary>1, and one more each time that the answer is continued.</summary>
    public int Attempt { get; init; }

    public MessageStatus State { get; init; }

    /// <summary>The process that makes it, as in <c>ledger.api_instance</c>.</summary>
    public Guid InstanceId { get; init; }

    public bool StopRequested { get; init; }

    /// <summary>PostgreSQL's time.</summary>
    public DateTimeOffset StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>What the ledger's rows of this attempt have in common.</summary>
    public Guid RequestId { get; init; }

    /// <summary>The names of the tools that the model may call: a JSON list; null for none.</summary>
    public string? Tools { get; init; }
}

/// <summary>Events of a run that were stored together.</summary>
public sealed class RunBatch
{
    public Guid RunId { get; init; }

    public int Attempt { get; init; }

    public int FirstSequence { get; init; }

    public int LastSequence { get; init; }

    /// <summary>What they add to the answer.</summary>
    public required string Text { get; init; }

    /// <summary>A JSON list of <c>{"type":"delta","data":{"text":"Hello"}}</c>.</summary>
    public required string Events { get; init; }
}
