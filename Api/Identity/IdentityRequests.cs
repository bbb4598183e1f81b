namespace LlmAspire.Api.Identity;

/// <param name="OrganisationName">Makes a new organisation, whose admin the person is.</param>
/// <param name="Invitation">The token of an invitation's link: joins its organisation.</param>
public sealed record RegisterRequest(string? Email, string? Password, string? OrganisationName, string? Invitation);

public sealed record LoginRequest(string? Email, string? Password);

public sealed record RefreshRequest(string? RefreshToken);

public sealed record PasswordRequest(string? CurrentPassword, string? NewPassword);
