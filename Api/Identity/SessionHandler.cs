using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace LlmAspire.Api.Identity;

/// <summary>
/// Signs in by a bearer token of this Api. The token says who it is for; everything else comes from <see cref="KnownAccounts"/>, so that a
/// revoked token, a removed account or a changed role is noticed within five seconds and not when the token expires.
/// </summary>
internal sealed class SessionHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    KnownAccounts accounts,
    IOptions<IdentityOptions> identity)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Session";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var token = await Context.AuthenticateAsync(IdentityConstants.BearerScheme);
        if (!token.Succeeded)
        {
            return token.Failure is null ? AuthenticateResult.NoResult() : AuthenticateResult.Fail(token.Failure);
        }

        var stamp = token.Principal.FindFirstValue(identity.Value.ClaimsIdentity.SecurityStampClaimType);
        var known = Guid.TryParse(token.Principal.FindFirstValue(ClaimTypes.NameIdentifier), out var id)
            ? await accounts.FindAsync(id, stamp, Context.RequestAborted)
            : null;
        return known is null || known.Stamp != stamp
            ? AuthenticateResult.Fail("The token was revoked.")
            : AuthenticateResult.Success(new AuthenticationTicket(
                new ClaimsPrincipal(new ClaimsIdentity(known.Claims, SchemeName)), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers[HeaderNames.WWWAuthenticate] = "Bearer";
        return base.HandleChallengeAsync(properties);
    }
}
