namespace LlmAspire.TestAuthority;

/// <summary>Somebody who can sign in at <see cref="OpenIdAuthority"/>, and what their tokens say.</summary>
/// <param name="Subject">Who it is; the user name of a password grant, and the <c>login_hint</c> of a sign-in in the browser.</param>
public sealed record AuthorityPerson(
    string Subject, string? Organisation, string? OrganisationName = null, string[]? Roles = null, string? Plan = null, string? Email = null);
