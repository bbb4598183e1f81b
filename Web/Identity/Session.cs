using LlmAspire.Web.Api;

namespace LlmAspire.Web.Identity;

/// <summary>
/// Somebody's session in this process: the tokens that its requests and circuits share, and the one refresh that they wait for together.
/// Safe to use from several threads.
/// </summary>
public sealed class Session(SessionTicket ticket, IdentityClient identity, TimeProvider time)
{
    /// <summary>A token that ends sooner is refreshed before it is used.</summary>
    internal static readonly TimeSpan Margin = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private SessionTicket _ticket = ticket;
    private Task<SessionTicket?>? _refresh;

    /// <summary>Raised once, on any thread, when the Api has refused the refresh token: the account signed out, or was removed.</summary>
    public event Action? Ended;

    public bool HasEnded { get; private set; }

    /// <summary>Tokens that are good for a while; null when the session has ended.</summary>
    /// <exception cref="ApiException">They have to be refreshed, and the Api does not answer.</exception>
    public async ValueTask<SessionTicket?> GetAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (HasEnded)
            {
                return null;
            }

            if (_ticket.ExpiresAt - time.GetUtcNow() > Margin)
            {
                return _ticket;
            }
        }

        return await RefreshAsync(_ticket.Access, cancellationToken);
    }

    /// <summary>Takes tokens that another process, whose cookie this one reads, got later.</summary>
    public void Offer(SessionTicket other)
    {
        lock (_lock)
        {
            if (other.ExpiresAt > _ticket.ExpiresAt)
            {
                _ticket = other;
            }
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
            if (HasEnded)
            {
                return Task.FromResult<SessionTicket?>(null);
            }

            if (_ticket.Access != refused)
            {
                return Task.FromResult<SessionTicket?>(_ticket);
            }

            refresh = _refresh ??= RefreshOnceAsync(_ticket.Refresh);
        }

        // Who goes away leaves it to the others.
        return refresh.WaitAsync(cancellationToken);
    }

    /// <summary>The user signed out here.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (HasEnded)
            {
                return;
            }

            HasEnded = true;
        }

        Ended?.Invoke();
    }

    private async Task<SessionTicket?> RefreshOnceAsync(string refreshToken)
    {
        // The lock is free again before anything is waited for.
        await Task.Yield();
        try
        {
            var fresh = await identity.RefreshAsync(refreshToken, CancellationToken.None);
            lock (_lock)
            {
                _ticket = fresh;
            }

            return fresh;
        }
        catch (ApiException exception) when (exception.Problem.Status == StatusCodes.Status401Unauthorized)
        {
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
