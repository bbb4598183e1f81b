using Microsoft.Extensions.Caching.Memory;

namespace LlmAspire.Web.Identity;

/// <summary>The sessions that this process has seen lately. Safe to use from several threads.</summary>
public sealed class SessionStore(ISessionTokens issuer, TimeProvider time) : IDisposable
{
    /// <summary>The claim that tells one session of a user from another.</summary>
    public const string IdClaim = "sid";

    private static readonly TimeSpan Idle = TimeSpan.FromHours(1);

    private readonly MemoryCache _sessions = new(new MemoryCacheOptions());
    private readonly Lock _lock = new();

    /// <summary>The session of a cookie. A circuit keeps its own for as long as it lives.</summary>
    public Session Open(string id, SessionTicket ticket, string? address)
    {
        lock (_lock)
        {
            if (_sessions.TryGetValue(id, out Session? known))
            {
                known!.Offer(ticket, address);
                return known;
            }

            return _sessions.Set(id, new Session(ticket, address, issuer, time), new MemoryCacheEntryOptions { SlidingExpiration = Idle });
        }
    }

    /// <summary>Null when no request of it was seen lately.</summary>
    public Session? Find(string? id) => id is not null && _sessions.TryGetValue(id, out Session? session) ? session : null;

    public void Dispose() => _sessions.Dispose();
}
