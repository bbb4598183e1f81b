using LlmAspire.Web.Api;

namespace LlmAspire.Web.Identity;

/// <summary>Whoever issued a session's tokens. Thread-safe.</summary>
public interface ISessionTokens
{
    /// <summary>Younger tokens for the same session.</summary>
    /// <param name="address">Of the user's machine, for whom refreshes may be counted.</param>
    /// <exception cref="ApiException">With status 401 the session has ended; otherwise the issuer does not answer.</exception>
    Task<SessionTicket> RefreshAsync(SessionTicket old, string? address, CancellationToken cancellationToken);
}
