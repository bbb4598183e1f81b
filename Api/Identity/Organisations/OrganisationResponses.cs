namespace LlmAspire.Api.Identity.Organisations;

public sealed record OrganisationResponse(Guid Id, string Name, Plan Plan, DateTimeOffset CreatedAt);

public sealed record MemberResponse(Guid Id, string? Email, Role Role, DateTimeOffset CreatedAt);

/// <param name="Role">What the invited person becomes; member when left out.</param>
public sealed record InviteRequest(Role? Role);

/// <param name="Token">For the link, and for <c>POST /identity/register</c>; it is shown here and never again.</param>
public sealed record InvitationResponse(Guid Id, string Token, Role Role, DateTimeOffset ExpiresAt);

/// <param name="InvitedBy">The e-mail of the admin who made it; null when it is not known.</param>
public sealed record OpenInvitationResponse(Guid Id, Role Role, string? InvitedBy, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt);

public sealed record RoleRequest(Role? Role);
