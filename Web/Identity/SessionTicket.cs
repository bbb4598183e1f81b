using System.Globalization;
using Microsoft.AspNetCore.Authentication;

namespace LlmAspire.Web.Identity;

/// <summary>The tokens of a session, as the encrypted cookie carries them.</summary>
/// <param name="Access">For the header Authorization.</param>
/// <param name="Refresh">For whoever issued them; empty when there is none.</param>
/// <param name="ExpiresAt">When <paramref name="Access"/> is refused.</param>
/// <param name="Id">What an OpenID Connect provider wants to see when its session is to end; null for the Api's own.</param>
public sealed record SessionTicket(string Access, string Refresh, DateTimeOffset ExpiresAt, string? Id = null)
{
    private const string AccessName = "access_token";
    private const string RefreshName = "refresh_token";
    private const string ExpiresName = "expires_at";
    private const string IdName = "id_token";

    /// <summary>What the cookie has; null for a cookie that is not of this kind.</summary>
    public static SessionTicket? From(AuthenticationProperties cookie) =>
        cookie.GetTokenValue(AccessName) is { } access
        && cookie.GetTokenValue(RefreshName) is { } refresh
        && DateTimeOffset.TryParse(cookie.GetTokenValue(ExpiresName), CultureInfo.InvariantCulture, out var expiresAt)
            ? new SessionTicket(access, refresh, expiresAt, cookie.GetTokenValue(IdName))
            : null;

    public void StoreIn(AuthenticationProperties cookie) => cookie.StoreTokens(
    [
        new AuthenticationToken { Name = AccessName, Value = Access },
        new AuthenticationToken { Name = RefreshName, Value = Refresh },
        new AuthenticationToken { Name = ExpiresName, Value = ExpiresAt.ToString("O", CultureInfo.InvariantCulture) },
        .. Id is null ? (AuthenticationToken[])[] : [new AuthenticationToken { Name = IdName, Value = Id }],
    ]);
}
