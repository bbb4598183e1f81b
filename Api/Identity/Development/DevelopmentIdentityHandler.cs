using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Identity.Development;

/// <summary>Settings of the identity of requests without credentials, in Development.</summary>
public sealed class DevelopmentIdentityOptions : AuthenticationSchemeOptions
{
    /// <summary>Who a request is that does not say: <c>Identity:DemoPlan</c>.</summary>
    public Plan DemoPlan { get; set; } = Plan.Pro;
}

/// <summary>
/// In Development a request without the header Authorization is a demo account, by default <c>pro@demo.local</c>; the header
/// <c>X-Demo-User: basic|pro|enterprise|operator|rival</c> chooses another.
/// </summary>
internal sealed class DevelopmentIdentityHandler(
    IOptionsMonitor<DevelopmentIdentityOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<DevelopmentIdentityOptions>(options, logger, encoder)
{
    public const string SchemeName = "Development";
    public const string UserHeader = "X-Demo-User";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var name = Request.Headers.TryGetValue(UserHeader, out var asked) ? asked.ToString() : Options.DemoPlan.ToString();
        if (DemoAccounts.All.FirstOrDefault(demo => demo.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } account)
        {
            return Task.FromResult(AuthenticateResult.Fail(
                $"{UserHeader} must be one of {string.Join(", ", DemoAccounts.All.Select(demo => demo.Name))}."));
        }

        var identity = new ClaimsIdentity(Caller.ClaimsOf(account.ToAccount(), account.Organisation.Plan), SchemeName);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName)));
    }
}
