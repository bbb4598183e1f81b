namespace LlmAspire.Api.Conversations.Data;

/// <summary>A row that belongs to one person of one organisation: nobody else's queries see it.</summary>
public interface IOwned
{
    Guid OrgId { get; }

    Guid UserId { get; }
}
