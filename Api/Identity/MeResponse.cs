using LlmAspire.Api.Plans;

namespace LlmAspire.Api.Identity;

/// <param name="Plan">What the person may use: their own plan, or else that of the organisation.</param>
/// <param name="Operator">Whether the person runs the installation.</param>
/// <param name="Allowance">What the organisation has left of its tokens for this month; null when its plan has no limit.</param>
public sealed record MeResponse(
    Guid Id,
    string? Email,
    OrganisationReference Organisation,
    Role Role,
    Plan Plan,
    bool Operator,
    LimitsResponse Limits,
    AllowanceState? Allowance);

public sealed record OrganisationReference(Guid Id, string Name);
