namespace LlmAspire.Web.Identity;

/// <summary>Who is signed in, as <c>GET /identity/me</c> says it.</summary>
public sealed record Me(Guid Id, string? Email, MeOrganisation Organisation, string Role, string Plan, bool Operator);

public sealed record MeOrganisation(Guid Id, string Name);
