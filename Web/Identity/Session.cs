using LlmAspire.Web.Api;

namespace LlmAspire.Web.Identity;

/// <summary>
/// Somebody's session in this process: the tokens that its requests and circuits share, and the one refresh that they wait for together.
/// Safe to use from several threads.
/// </summary>
/// <param name="address">Of the user's machine, for whom refreshes may be counted.</param>
public sealed class Session(SessionTicket ticket, string? address, ISessionTokens issuer, TimeProvider time)
{
    /// <summary>A token that ends sooner is refreshed before it is used.</summary>
    internal static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private SessionTicket _ticket = ticket;
    private string? _address = address;
    private Task<SessionTicket?>? _refresh;
    private bool _ended;

    /// <summary>Raised once, on any thread, when the refresh token was refused: the account signed out, or was removed.</summary>
    public event Action? Ended;

    /// <summary>Tokens that are good for a while; null when the session has ended.</summary>
    /// <exception cref="ApiException">They have to be refreshed, and the Api does not answer.</exception>
    public async ValueTask<SessionTicket?> GetAsync(CancellationToken cancellationToken)
    {
        string access;
        lock (_lock)
        {
            if (_ended)
            {
                return null;
            }

            if (_ticket.ExpiresAt - time.GetUtcNow() > Margin)
            {
                return _ticket;
            }

            access = _ticket.Access;
        }

        return await RefreshAsync(access, cancellationToken);
    }

    /// <summary>Takes the tokens of a cookie when they are younger: another process made them.</summary>
    public void Offer(SessionTicket other, string? address)
    {
        lock (_lock)
        {
            _address = address;
            if (other.ExpiresAt > _ticket.ExpiresAt)
            {
                _ticket = other;
            }
        }
    }

    /// <summary>Takes the tokens of a new password, which made the old ones void. The next HTTP request puts them into the cookie.</summary>
    public void Replace(SessionTicket other)
    {
        lock (_lock)
        {
            _ticket = other;
        }
    }

    /// <summary>Refreshes tokens that the Api refused, once for all who were refused with the same.</summary>
    /// <returns>Null when the session has ended.</returns>
    /// <exception cref="ApiException">The Api does not answer.</exception>
    public Task<SessionTicket?> RefreshAsync(string refused, CancellationToken cancellationToken)
    {
        Task<SessionTicket?> refresh;
        lock (_lock)
        {
            if (_ended)
            {
                return Task.FromResult<SessionTicket?>(null);
            }

            if (_ticket.Access != refused)
            {
                return Task.FromResult<SessionTicket?>(_ticket);
            }

            refresh = _refresh ??= RefreshOnceAsync(_ticket, _address);
        }

        // Who goes away leaves it to the others.
        return refresh.WaitAsync(cancellationToken);
    }

    /// <summary>The user signed out here.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (_ended)
            {
                return;
            }

            _ended = true;
        }

        Ended?.Invoke();
    }

    private async Task<SessionTicket?> RefreshOnceAsync(SessionTicket old, string? address)
    {
        // The lock is free again before anything is waited for.
        await Task.Yield();
        try
        {
            var fresh = await issuer.RefreshAsync(old, address, CancellationToken.None);
            lock (_lock)
            {
                // A new password was faster.
                return _ticket = _ticket == old ? fresh : _ticket;
            }
        }
        catch (ApiException exception) when (exception.Problem.Status == StatusCodes.Status401Unauthorized)
        {
            lock (_lock)
            {
                if (_ticket != old)
                {
                    return _ticket;
                }
            }

            End();
            return null;
        }
        finally
        {
            lock (_lock)
            {
                _refresh = null;
            }
        }
    }
}
