using System.Security.Claims;
using LlmAspire.Api.Identity.Data;

namespace LlmAspire.Api.Identity;

/// <summary>Who makes the request. The one place that reads and writes claims; handlers take it as a parameter.</summary>
/// <param name="Plan">Of the person, or else of the organisation: which models and how many requests.</param>
/// <param name="OrgPlan">Of the organisation: the tokens that its members share.</param>
/// <param name="ApiKeyId">The personal API key that was used; null for a signed-in user.</param>
public sealed record Caller(Guid UserId, Guid OrgId, Plan Plan, Plan OrgPlan, Role Role, bool IsOperator, Guid? ApiKeyId = null)
{
    internal const string OrgClaim = "org";
    internal const string PlanClaim = "plan";
    internal const string OrgPlanClaim = "org_plan";
    internal const string RoleClaim = "role";
    internal const string OperatorClaim = "operator";
    internal const string ApiKeyClaim = "api_key";

    /// <summary>Binds the parameter of an endpoint; every business endpoint requires a signed-in user.</summary>
    /// <exception cref="InvalidOperationException">When the identity lacks one of the claims.</exception>
    public static ValueTask<Caller?> BindAsync(HttpContext context) => ValueTask.FromResult<Caller?>(From(context.User));

    internal static Caller From(ClaimsPrincipal user) => new(
        Guid.Parse(Claim(user, ClaimTypes.NameIdentifier)),
        Guid.Parse(Claim(user, OrgClaim)),
        Enum.Parse<Plan>(Claim(user, PlanClaim), ignoreCase: true),
        Enum.Parse<Plan>(Claim(user, OrgPlanClaim), ignoreCase: true),
        Enum.Parse<Role>(Claim(user, RoleClaim), ignoreCase: true),
        bool.Parse(Claim(user, OperatorClaim)),
        user.FindFirstValue(ApiKeyClaim) is { } key ? Guid.Parse(key) : null);

    /// <summary>The claims that <see cref="From"/> reads.</summary>
    internal static Claim[] ClaimsOf(Account account, Plan orgPlan) =>
    [
        new(ClaimTypes.NameIdentifier, account.Id.ToString()),
        new(ClaimTypes.Name, account.Email ?? account.UserName!),
        new(OrgClaim, account.OrganisationId.ToString()),
        new(PlanClaim, (account.Plan ?? orgPlan).ToString().ToLowerInvariant()),
        new(OrgPlanClaim, orgPlan.ToString().ToLowerInvariant()),
        new(RoleClaim, account.Role.ToString().ToLowerInvariant()),
        new(OperatorClaim, account.IsOperator ? bool.TrueString : bool.FalseString),
    ];

    private static string Claim(ClaimsPrincipal user, string type) =>
        user.FindFirstValue(type) ?? throw new InvalidOperationException($"The identity has no claim named {type}.");
}
