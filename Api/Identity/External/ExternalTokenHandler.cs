using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace LlmAspire.Api.Identity.External;

/// <summary>Signs in by a token of the provider: the framework checks it, <see cref="ExternalAccounts"/> says whose it is.</summary>
internal sealed class ExternalTokenHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options,
    ILoggerFactory logger,
    UrlEncoder encoder,
    IOptionsMonitor<JwtBearerOptions> jwt,
    ExternalAccounts accounts,
    IOptions<ExternalIdentityOptions> external)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "External";

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (BearerHeader.Read(Request) is null)
        {
            return AuthenticateResult.NoResult();
        }

        var token = await CheckAsync();
        if (!token.Succeeded)
        {
            return token.Failure is null ? AuthenticateResult.NoResult() : AuthenticateResult.Fail(token.Failure);
        }

        if (ExternalPerson.From(token.Principal, external.Value.Claims) is not { } person)
        {
            return AuthenticateResult.Fail("The token names no person or no organisation.");
        }

        var known = await accounts.FindAsync(person, Context.RequestAborted);
        return AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(known.Claims, SchemeName)), SchemeName));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers[HeaderNames.WWWAuthenticate] = "Bearer";
        return base.HandleChallengeAsync(properties);
    }

    private async Task<AuthenticateResult> CheckAsync()
    {
        try
        {
            // Read once and then remembered. Without the provider's keys every token looks forged, which says nothing about the token.
            await jwt.Get(JwtBearerDefaults.AuthenticationScheme).ConfigurationManager!.GetConfigurationAsync(Context.RequestAborted);
        }
        catch (InvalidOperationException exception)
        {
            throw new ProviderAwayException(exception);
        }

        return await Context.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme);
    }
}
