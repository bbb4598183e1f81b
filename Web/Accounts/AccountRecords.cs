namespace LlmAspire.Web.Accounts;

/// <param name="Role">A word of <see cref="Roles"/>.</param>
public sealed record Member(Guid Id, string? Email, string Role, DateTimeOffset CreatedAt);

/// <param name="Token">For the link, once.</param>
public sealed record Invitation(Guid Id, string Token, string Role, DateTimeOffset ExpiresAt);

/// <param name="Role">A word of <see cref="Roles"/>.</param>
/// <param name="InvitedBy">The e-mail of the admin who made it; null when it is not known.</param>
public sealed record OpenInvitation(Guid Id, string Role, string? InvitedBy, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt);

/// <param name="Prefix">How the key begins.</param>
/// <param name="LastUsedAt">Exact to a minute; null when it never was.</param>
public sealed record ApiKey(
    Guid Id, string Name, string Prefix, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? RevokedAt, DateTimeOffset? LastUsedAt);

/// <param name="Key">The key itself, once.</param>
public sealed record CreatedApiKey(Guid Id, string Name, string Prefix, string Key, DateTimeOffset ExpiresAt);

/// <summary>The Api's words for what a member may do in an organisation.</summary>
public static class Roles
{
    public const string Member = "member";
    public const string Admin = "admin";
}
