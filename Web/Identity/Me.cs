namespace LlmAspire.Web.Identity;

/// <summary>Who is signed in, as <c>GET /identity/me</c> says it.</summary>
public sealed record Me(Guid Id, string? Email, MeOrganisation Organisation, string Role, string Plan, bool Operator, MeAllowance? Allowance = null);

public sealed record MeOrganisation(Guid Id, string Name);

/// <summary>The tokens of the organisation in this month; null where its plan has no limit.</summary>
/// <param name="Reserved">What answers that are being made may use at most.</param>
public sealed record MeAllowance(long Limit, long Used, long Reserved, long Remaining, DateTimeOffset ResetsAt);
