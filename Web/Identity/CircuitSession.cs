using Microsoft.AspNetCore.Components.Authorization;

namespace LlmAspire.Web.Identity;

/// <summary>The session of the user of one circuit, found by the cookie that the circuit was opened with.</summary>
public sealed class CircuitSession(AuthenticationStateProvider authentication, SessionStore sessions) : IAccessTokens, IDisposable
{
    private Session? _session;

    /// <summary>Raised on any thread when the session has ended.</summary>
    public event Action? Ended;

    /// <summary>Begins to listen for the end. Further calls do nothing.</summary>
    /// <returns>Null for nobody.</returns>
    public async ValueTask<Session?> OpenAsync()
    {
        if (_session is null)
        {
            var user = (await authentication.GetAuthenticationStateAsync()).User;
            _session = sessions.Find(user.FindFirst(SessionStore.IdClaim)?.Value);
            _session?.Ended += OnEnded;
        }

        return _session;
    }

    /// <inheritdoc/>
    public async ValueTask<string?> GetAsync(CancellationToken cancellationToken) =>
        await OpenAsync() is { } session ? (await session.GetAsync(cancellationToken))?.Access : null;

    /// <inheritdoc/>
    public async ValueTask<string?> RefreshAsync(string refused, CancellationToken cancellationToken) =>
        await OpenAsync() is { } session ? (await session.RefreshAsync(refused, cancellationToken))?.Access : null;

    /// <summary>Goes on with the tokens of a new password.</summary>
    public async ValueTask ReplaceAsync(SessionTicket ticket) => (await OpenAsync())?.Replace(ticket);

    public void Dispose() => _session?.Ended -= OnEnded;

    private void OnEnded() => Ended?.Invoke();
}
