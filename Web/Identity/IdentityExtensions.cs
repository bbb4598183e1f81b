using LlmAspire.Web.Api;
using LlmAspire.Web.Identity.External;
using LlmAspire.Web.Identity.Keys;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.DataProtection;

namespace LlmAspire.Web.Identity;

public static class IdentityExtensions
{
    /// <summary>As long as the Api's refresh token is good; each renewal begins anew.</summary>
    private static readonly TimeSpan CookieLife = TimeSpan.FromDays(14);

    /// <summary>Adds sign-in by the Api's accounts, or at an OpenID Connect provider: the cookie, the sessions behind it, and the keys that cookies are made of.</summary>
    public static IHostApplicationBuilder AddIdentity(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddApiHttpClient<IdentityClient>();
        services.AddSingleton<SessionStore>();
        services.AddSingleton<SessionCookie>();
        services.AddScoped<CircuitSession>();
        services.AddScoped<IAccessTokens>(provider => provider.GetRequiredService<CircuitSession>());

        var isProviderUsed = services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
        {
            cookie.Cookie.Name = "llmaspire.session";
            cookie.LoginPath = SignInPage.Path;
            cookie.ReturnUrlParameter = SignInPage.ReturnUrlParameter;
            cookie.ExpireTimeSpan = CookieLife;
            cookie.EventsType = typeof(SessionCookie);
        }).AddProvider(builder);
        if (!isProviderUsed)
        {
            services.AddSingleton<ISessionTokens>(provider => provider.GetRequiredService<IdentityClient>());
        }

        services.AddAuthorization();
        services.AddCascadingAuthenticationState();
        builder.AddKeyRing();
        return builder;
    }

    /// <summary>Without the database (a front end run by itself) the keys are this machine's.</summary>
    private static void AddKeyRing(this IHostApplicationBuilder builder)
    {
        var keys = builder.Services.AddDataProtection().SetApplicationName("LlmAspire.Web");
        if (builder.Configuration.GetConnectionString(WebKeyContext.ConnectionName) is not null)
        {
            builder.AddNpgsqlDbContext<WebKeyContext>(WebKeyContext.ConnectionName, settings => settings.DisableHealthChecks = true);
            keys.PersistKeysToDbContext<WebKeyContext>();
        }
    }
}
