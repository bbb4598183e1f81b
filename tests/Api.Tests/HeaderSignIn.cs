using System.Security.Claims;
using System.Text.Encodings.Web;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Identity.Development;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Tests;

/// <summary>Signs in who says <c>Authorization: Test NAME</c>, as the demo account of that name: where there is no database there are no accounts.</summary>
internal sealed class HeaderSignIn(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Test";

    /// <summary>Not with AddAuthentication, which brings the data protection back that reads its keys from the database at the start.</summary>
    public static void AddTo(IServiceCollection services)
    {
        new AuthenticationBuilder(services).AddScheme<AuthenticationSchemeOptions, HeaderSignIn>(SchemeName, null);
        services.Configure<AuthenticationOptions>(authentication => authentication.DefaultScheme = SchemeName);
    }

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers.Authorization.ToString().Split(' ') is not [SchemeName, var name])
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var account = DemoAccounts.All.Single(demo => demo.Name == name);
        var identity = new ClaimsIdentity(Caller.ClaimsOf(account.ToAccount(), account.Organisation.Plan), SchemeName);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), SchemeName)));
    }
}
