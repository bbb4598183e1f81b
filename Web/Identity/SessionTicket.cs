using System.Globalization;
using Microsoft.AspNetCore.Authentication;

namespace LlmAspire.Web.Identity;

/// <summary>The Api's tokens of a session, as the encrypted cookie carries them.</summary>
/// <param name="Access">For the header Authorization.</param>
/// <param name="Refresh">For <c>POST /identity/refresh</c>.</param>
/// <param name="ExpiresAt">When <paramref name="Access"/> is refused.</param>
public sealed record SessionTicket(string Access, string Refresh, DateTimeOffset ExpiresAt)
{
    private const string AccessName = "access_token";
    private const string RefreshName = "refresh_token";
    private const string ExpiresName = "expires_at";

    /// <summary>What the cookie has; null for a cookie that is not of this kind.</summary>
    public static SessionTicket? From(AuthenticationProperties cookie) =>
        cookie.GetTokenValue(AccessName) is { } access
        && cookie.GetTokenValue(RefreshName) is { } refresh
        && DateTimeOffset.TryParse(cookie.GetTokenValue(ExpiresName), CultureInfo.InvariantCulture, out var expiresAt)
            ? new SessionTicket(access, refresh, expiresAt)
            : null;

    public void StoreIn(AuthenticationProperties cookie) => cookie.StoreTokens(
    [
        new AuthenticationToken { Name = AccessName, Value = Access },
        new AuthenticationToken { Name = RefreshName, Value = Refresh },
        new AuthenticationToken { Name = ExpiresName, Value = ExpiresAt.ToString("O", CultureInfo.InvariantCulture) },
    ]);
}
