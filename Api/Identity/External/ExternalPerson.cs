using System.Security.Claims;
using LlmAspire.Usage;

namespace LlmAspire.Api.Identity.External;

/// <summary>What a token of the provider says.</summary>
/// <param name="Subject">Who it is, for the issuer.</param>
/// <param name="Organisation">The organisation's id, for the issuer.</param>
/// <param name="Plan">Null when the organisation's counts.</param>
internal sealed record ExternalPerson(
    string Issuer, string Subject, string Organisation, string OrganisationName, string? Email, Role Role, bool IsOperator, Plan? Plan)
{
    private const string Operator = "operator";

    /// <summary>Null when the token lacks its subject or the organisation.</summary>
    public static ExternalPerson? From(ClaimsPrincipal token, ExternalClaimNames names)
    {
        var subject = token.FindFirst("sub");
        var organisation = Value(token, names.Organisation);
        if (subject is not { Value.Length: > 0 } || organisation is null)
        {
            return null;
        }

        var roles = token.FindAll(names.Role).Select(claim => claim.Value).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return new ExternalPerson(
            subject.Issuer,
            subject.Value,
            organisation,
            Value(token, names.OrganisationName) ?? organisation,
            Value(token, names.Email),
            roles.Contains(nameof(Role.Admin)) ? Role.Admin : Role.Member,
            roles.Contains(Operator),
            EnumNames.TryParse<Plan>(Value(token, names.Plan), out var plan) ? plan : null);
    }

    private static string? Value(ClaimsPrincipal token, string name) =>
        token.FindFirstValue(name)?.Trim() is { Length: > 0 } value ? value : null;
}
