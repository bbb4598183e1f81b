namespace LlmAspire.Api.Identity;

/// <param name="Plan">What the person may use: their own plan, or else that of the organisation.</param>
/// <param name="Operator">Whether the person runs the installation.</param>
public sealed record MeResponse(Guid Id, string? Email, OrganisationReference Organisation, Role Role, Plan Plan, bool Operator);

public sealed record OrganisationReference(Guid Id, string Name);
