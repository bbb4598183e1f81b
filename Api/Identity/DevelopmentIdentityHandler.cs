using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity;

/// <summary>Settings of the identity that stands in for accounts.</summary>
public sealed class DevelopmentIdentityOptions : AuthenticationSchemeOptions
{
    /// <summary>Who a request is that does not say: <c>Identity:DemoPlan</c>.</summary>
    public Plan DemoPlan { get; set; } = Plan.Pro;
}

/// <summary>
/// Signs every request in as a demo user of the organisation Demo, by default <c>pro@demo.local</c>; the header
/// <c>X-Demo-User: basic|pro|enterprise</c> chooses another.
/// </summary>
internal sealed class DevelopmentIdentityHandler(
    IOptionsMonitor<DevelopmentIdentityOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<DevelopmentIdentityOptions>(options, logger, encoder)
{
    public const string SchemeName = "Development";
    public const string UserHeader = "X-Demo-User";

    private static readonly Guid DemoOrganisation = new("0195f000-0000-7000-8000-00000000de30");

    private static readonly Dictionary<Plan, Guid> DemoUsers = new()
    {
        [Plan.Basic] = new("0195f000-0000-7000-8000-0000000000b1"),
        [Plan.Pro] = new("0195f000-0000-7000-8000-0000000000b2"),
        [Plan.Enterprise] = new("0195f000-0000-7000-8000-0000000000b3"),
    };

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var plan = Options.DemoPlan;
        if (Request.Headers.TryGetValue(UserHeader, out var name)
            && (!Enum.TryParse(name, ignoreCase: true, out plan) || !DemoUsers.ContainsKey(plan)))
        {
            return Task.FromResult(AuthenticateResult.Fail($"{UserHeader} must be basic, pro or enterprise."));
        }

        var word = plan.ToString().ToLowerInvariant();
        var identity = new ClaimsIdentity(
            [
                new(ClaimTypes.NameIdentifier, DemoUsers[plan].ToString()),
                new(ClaimTypes.Name, $"{word}@demo.local"),
                new(Caller.OrgClaim, DemoOrganisation.ToString()),
                new(Caller.PlanClaim, word),
            ],
            SchemeName);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName)));
    }
}
