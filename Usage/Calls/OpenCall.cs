using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>
/// A call to a provider that was opened and is not accounted for yet: a row of <c>ledger.open_call</c>, written before the provider is
/// called and removed by ingestion, or by the sweeper when nobody runs the call any more.
/// </summary>
/// <remarks>The members mean what those of <see cref="UsageEvent"/> mean.</remarks>
public sealed record OpenCall
{
    /// <summary>UUID version 7: the id of the ledger's row to come.</summary>
    public required Guid Id { get; init; }

    public required Guid RequestId { get; init; }

    public required Guid UserId { get; init; }

    public required Guid OrgId { get; init; }

    public Guid? ApiKeyId { get; init; }

    public Guid? ConversationId { get; init; }

    public required UsageOperation Operation { get; init; }

    /// <summary>W3C trace context of the call's span.</summary>
    public string? Traceparent { get; init; }

    public required string ModelAlias { get; init; }

    /// <summary>A bound on the prompt's tokens, from its bytes.</summary>
    public required long ReservedPromptTokens { get; init; }

    /// <summary>The output cap that was sent.</summary>
    public required long ReservedCompletionTokens { get; init; }

    /// <summary>
    /// The tokens that the organisation may use in the call's month (UTC); null for any number. Not stored: a call that was admitted while PostgreSQL
    /// was away is booked whatever the limit is.
    /// </summary>
    [JsonIgnore]
    public long? AllowanceLimit { get; init; }

    /// <summary>The <see cref="ApiInstance"/> that runs it; set by whoever opens.</summary>
    public Guid InstanceId { get; init; }

    /// <summary>When PostgreSQL took it; set by PostgreSQL.</summary>
    public DateTimeOffset OpenedAt { get; init; }
}
