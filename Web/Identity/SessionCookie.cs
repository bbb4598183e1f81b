using System.Security.Claims;
using LlmAspire.Web.Api;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

namespace LlmAspire.Web.Identity;

/// <summary>
/// The encrypted cookie that holds a session's tokens. Each HTTP request refreshes them in good time and renews the cookie; circuits, which
/// cannot set one, refresh in memory (<see cref="Session"/>).
/// </summary>
internal sealed class SessionCookie(SessionStore sessions, ILogger<SessionCookie> logger) : CookieAuthenticationEvents
{
    /// <summary>In the address of the sign-in page: a session ended that the user did not end here.</summary>
    public const string EndedParameter = "ended";

    private static readonly object Ended = new();

    /// <summary>Begins a session in the browser that a request came from.</summary>
    public static Task SignInAsync(HttpContext context, SessionTicket ticket, Me me)
    {
        var properties = new AuthenticationProperties { IsPersistent = true };
        ticket.StoreIn(properties);
        return context.SignInAsync(CookieAuthenticationDefaults.AuthenticationScheme, Describe(me), properties);
    }

    /// <summary>A new session of somebody.</summary>
    public static ClaimsPrincipal Describe(Me me) => new(new ClaimsIdentity(
        [
            new Claim(SessionStore.IdClaim, Guid.CreateVersion7().ToString()),
            new Claim(ClaimTypes.NameIdentifier, me.Id.ToString()),
            new Claim(ClaimTypes.Name, me.Email ?? me.Id.ToString()),
        ],
        CookieAuthenticationDefaults.AuthenticationScheme));

    public override async Task ValidatePrincipal(CookieValidatePrincipalContext context)
    {
        if (context.Principal?.FindFirst(SessionStore.IdClaim)?.Value is not { } id || SessionTicket.From(context.Properties) is not { } ticket)
        {
            context.RejectPrincipal();
            return;
        }

        try
        {
            var session = sessions.Open(id, ticket, context.HttpContext.Connection.RemoteIpAddress?.ToString());
            if (await session.GetAsync(context.HttpContext.RequestAborted) is not { } current)
            {
                context.RejectPrincipal();
                context.HttpContext.Items[Ended] = Ended;
                await context.HttpContext.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);
            }
            else if (current != ticket)
            {
                current.StoreIn(context.Properties);
                context.ShouldRenew = true;
            }
        }
        catch (ApiException exception)
        {
            // Nobody is signed out for that: what the page asks of the Api fails on its own.
            logger.RefreshFailed(exception.Problem.Status, exception.Problem.Code);
        }
    }

    public override Task RedirectToLogin(RedirectContext<CookieAuthenticationOptions> context)
    {
        if (context.HttpContext.Items.ContainsKey(Ended))
        {
            context.RedirectUri += $"&{EndedParameter}=true";
        }

        return base.RedirectToLogin(context);
    }
}

internal static partial class SessionLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "A session's tokens cannot be refreshed: status {Status}, code {Code}")]
    public static partial void RefreshFailed(this ILogger<SessionCookie> logger, int? status, string? code);
}
