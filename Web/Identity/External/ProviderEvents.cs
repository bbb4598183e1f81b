using LlmAspire.Web.Api;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;

namespace LlmAspire.Web.Identity.External;

/// <summary>Makes of a sign-in at the provider the same session that a password makes; whatever fails on the way ends on the sign-in page.</summary>
internal sealed partial class ProviderEvents(IdentityClient identity, TimeProvider time, ILogger<ProviderEvents> logger) : OpenIdConnectEvents
{
    public override async Task TokenValidated(TokenValidatedContext context)
    {
        if (context.TokenEndpointResponse is not { AccessToken: not null } tokens)
        {
            context.Fail("The provider issued no access token.");
            return;
        }

        var ticket = ProviderTokens.ToTicket(tokens, null, time);
        try
        {
            // Who it is here, the Api says: the claims that matter are configured there.
            context.Principal = SessionCookie.Describe(await identity.GetMeAsync(ticket.Access, context.HttpContext.RequestAborted));
            context.Properties!.IsPersistent = true;
            ticket.StoreIn(context.Properties);
        }
        catch (ApiException exception)
        {
            context.Fail(exception);
        }
    }

    public override Task RemoteFailure(RemoteFailureContext context)
    {
        var reason = (context.Failure is AuthenticationFailureException { InnerException: { } inner } ? inner : context.Failure) switch
        {
            ApiException { Problem.Status: StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden } => SignInFailure.NotKnown,
            ApiException => SignInFailure.ServiceAway,
            HttpRequestException or IOException or TaskCanceledException or InvalidOperationException => SignInFailure.ProviderAway,
            _ => SignInFailure.Broken,
        };
        LogFailed(logger, context.Failure, reason);
        context.Response.Redirect(ProviderSignIn.PathAfter(reason, context.Properties?.RedirectUri));
        context.HandleResponse();
        return Task.CompletedTask;
    }

    public override Task AccessDenied(AccessDeniedContext context)
    {
        LogFailed(logger, null, SignInFailure.Denied);
        context.Response.Redirect(ProviderSignIn.PathAfter(SignInFailure.Denied, context.ReturnUrl));
        context.HandleResponse();
        return Task.CompletedTask;
    }

    [LoggerMessage(LogLevel.Warning, "A sign-in at the provider failed: {Reason}")]
    private static partial void LogFailed(ILogger logger, Exception? exception, SignInFailure reason);
}
