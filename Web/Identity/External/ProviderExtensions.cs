using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;

namespace LlmAspire.Web.Identity.External;

internal static class ProviderExtensions
{
    /// <summary>Adds the provider of section <c>Authentication</c>, if there is one.</summary>
    /// <returns>Whether people sign in there.</returns>
    public static bool AddProvider(this AuthenticationBuilder authentication, IHostApplicationBuilder builder)
    {
        var services = authentication.Services;
        services.AddOptions<ProviderOptions>().BindConfiguration(ProviderOptions.Section)
            .Validate(
                (ProviderOptions provider, IHostEnvironment environment) => !provider.IsUsed || IsGood(provider.Authority, environment),
                "Authentication:Authority must be an absolute https URL (http in Development only).")
            .Validate(provider => !provider.IsUsed || !string.IsNullOrWhiteSpace(provider.ClientId), "Authentication:ClientId is what the provider knows this front end as: set it.")
            .ValidateOnStart();
        if (builder.Configuration.GetSection(ProviderOptions.Section).Get<ProviderOptions>() is not { IsUsed: true })
        {
            return false;
        }

        services.AddSingleton<ISessionTokens, ProviderTokens>();
        services.AddSingleton<ProviderSignIn>();
        services.AddTransient<ProviderEvents>();
        authentication.AddOpenIdConnect();
        services.AddOptions<OpenIdConnectOptions>(OpenIdConnectDefaults.AuthenticationScheme).Configure<IOptions<ProviderOptions>, IHostEnvironment>(Configure);
        return true;
    }

    /// <summary>Sends people to the provider, when there is one.</summary>
    public static void MapProviderSignIn(this IEndpointRouteBuilder app)
    {
        if (app.ServiceProvider.GetRequiredService<IOptions<ProviderOptions>>().Value.IsUsed)
        {
            app.MapGet(ProviderSignIn.Path, (string? returnUrl, ProviderSignIn provider, HttpContext context) => provider.ChallengeAsync(context, returnUrl))
                .ExcludeFromDescription();
        }
    }

    private static void Configure(OpenIdConnectOptions oidc, IOptions<ProviderOptions> options, IHostEnvironment environment)
    {
        var provider = options.Value;
        oidc.Authority = provider.Authority;
        oidc.ClientId = provider.ClientId;
        oidc.ClientSecret = provider.ClientSecret;
        oidc.RequireHttpsMetadata = !environment.IsDevelopment();
        oidc.SignInScheme = CookieAuthenticationDefaults.AuthenticationScheme;
        oidc.ResponseType = OpenIdConnectResponseType.Code;
        // With GET the browser sends its Lax cookies along: none has to be SameSite=None, which http would refuse.
        oidc.ResponseMode = OpenIdConnectResponseMode.Query;
        oidc.CorrelationCookie.SameSite = oidc.NonceCookie.SameSite = SameSiteMode.Lax;
        oidc.CorrelationCookie.SecurePolicy = oidc.NonceCookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        oidc.MapInboundClaims = false;
        oidc.SignedOutRedirectUri = SignInPage.Path;
        oidc.EventsType = typeof(ProviderEvents);
        oidc.Scope.Clear();
        foreach (var scope in provider.Scope.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            oidc.Scope.Add(scope);
        }

        foreach (var (name, value) in provider.Parameters)
        {
            oidc.AdditionalAuthorizationParameters[name] = value;
        }
    }

    private static bool IsGood(string? authority, IHostEnvironment environment) =>
        Uri.TryCreate(authority, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp && environment.IsDevelopment());
}
