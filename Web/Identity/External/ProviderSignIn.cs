using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace LlmAspire.Web.Identity.External;

/// <summary>The ways to the provider and back.</summary>
internal sealed partial class ProviderSignIn(IOptionsMonitor<OpenIdConnectOptions> handler, ILogger<ProviderSignIn> logger)
{
    public const string Path = "/sign-in/provider";

    /// <summary>In the address of the sign-in page: a <see cref="SignInFailure"/>.</summary>
    public const string FailureParameter = "failure";

    public static string PathTo(string? returnUrl) => Path + (returnUrl is null ? QueryString.Empty : QueryString.Create(SignInPage.ReturnUrlParameter, returnUrl));

    /// <summary>The sign-in page, where a failure is explained.</summary>
    public static string PathAfter(SignInFailure failure, string? returnUrl) =>
        SignInPage.Path + QueryString.Create(FailureParameter, failure.ToString()).Add(SignInPage.ReturnUrlParameter, returnUrl ?? "/");

    /// <summary>Sends the browser to the provider, or back to the sign-in page when that cannot be reached.</summary>
    public async Task ChallengeAsync(HttpContext context, string? returnUrl)
    {
        var target = RedirectHttpResult.IsLocalUrl(returnUrl) ? returnUrl! : "/";
        try
        {
            await context.ChallengeAsync(OpenIdConnectDefaults.AuthenticationScheme, new AuthenticationProperties { RedirectUri = target });
        }
        catch (Exception exception) when (IsAway(exception))
        {
            LogAway(logger, exception);
            context.Response.Redirect(PathAfter(SignInFailure.ProviderAway, target));
        }
    }

    /// <summary>Ends the session at the provider too, if it has an endpoint for that and can be reached. The one here has ended.</summary>
    /// <returns>Whether the browser is sent to the provider, which sends it back.</returns>
    public async Task<bool> TrySignOutAsync(HttpContext context)
    {
        try
        {
            var configuration = await handler.Get(OpenIdConnectDefaults.AuthenticationScheme).ConfigurationManager!.GetConfigurationAsync(context.RequestAborted);
            if (string.IsNullOrEmpty(configuration.EndSessionEndpoint))
            {
                return false;
            }

            await context.SignOutAsync(OpenIdConnectDefaults.AuthenticationScheme, new AuthenticationProperties { RedirectUri = SignInPage.Path });
            return true;
        }
        catch (Exception exception) when (IsAway(exception))
        {
            LogAway(logger, exception);
            return false;
        }
    }

    /// <summary>How the discovery document says that it cannot be had.</summary>
    private static bool IsAway(Exception exception) => exception is InvalidOperationException or HttpRequestException or IOException or TaskCanceledException;

    [LoggerMessage(LogLevel.Warning, "The provider cannot be reached")]
    private static partial void LogAway(ILogger logger, Exception exception);
}
