namespace LlmAspire.Api.Identity.Data;

/// <summary>A link by which one person may join an organisation, once.</summary>
public sealed class Invitation
{
    public Guid Id { get; init; }

    public Guid OrganisationId { get; init; }

    /// <summary>The admin who made it: it ends when they are one no longer, and is gone with their account. Null when an earlier version made it.</summary>
    public Guid? InviterId { get; init; }

    /// <summary>Of the link's token, by <see cref="Secrets.Hash"/>.</summary>
    public required byte[] TokenHash { get; init; }

    /// <summary>What the person becomes.</summary>
    public Role Role { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? UsedAt { get; set; }
}
