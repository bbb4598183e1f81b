using System.Security.Claims;

namespace LlmAspire.Api.Identity;

/// <summary>Who makes the request. The one place that reads claims; handlers take it as a parameter.</summary>
public sealed record Caller(Guid UserId, Guid OrgId, Plan Plan)
{
    internal const string OrgClaim = "org";
    internal const string PlanClaim = "plan";

    /// <summary>Binds the parameter of an endpoint; every business endpoint requires a signed-in user.</summary>
    /// <exception cref="InvalidOperationException">When the identity lacks one of the claims.</exception>
    public static ValueTask<Caller?> BindAsync(HttpContext context) => ValueTask.FromResult<Caller?>(From(context.User));

    internal static Caller From(ClaimsPrincipal user) => new(
        Guid.Parse(Claim(user, ClaimTypes.NameIdentifier)),
        Guid.Parse(Claim(user, OrgClaim)),
        Enum.Parse<Plan>(Claim(user, PlanClaim), ignoreCase: true));

    private static string Claim(ClaimsPrincipal user, string type) =>
        user.FindFirstValue(type) ?? throw new InvalidOperationException($"The identity has no claim named {type}.");
}
