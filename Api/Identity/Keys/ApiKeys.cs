using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Identity.Keys;

/// <summary>Finds whose a key is, for requests. A key that is revoked elsewhere may be good for five seconds more. Safe to use from several threads.</summary>
internal sealed class ApiKeys(IServiceScopeFactory scopes, TimeProvider time) : IDisposable
{
    /// <summary>How every key begins; it tells a key from a bearer token, and lets secret scanners find one that leaked.</summary>
    public const string Mark = "llma_";

    /// <summary>How often at most the last use is written.</summary>
    private static readonly TimeSpan UseInterval = TimeSpan.FromMinutes(1);

    private readonly RecentMemory<string, KnownApiKey> _memory = new(time);

    /// <summary>Null when there is no such key, or it is revoked or expired.</summary>
    /// <exception cref="DatabaseAwayException">When PostgreSQL is away and the key is not known.</exception>
    public async Task<KnownApiKey?> FindAsync(string key, CancellationToken cancellationToken)
    {
        var hash = Secrets.Hash(key);
        var known = await _memory.FindAsync(Name(hash), token => ReadAsync(hash, token), _ => true, cancellationToken);
        return known is not null && time.GetUtcNow() < known.ExpiresAt ? known : null;
    }

    public void Forget(ApiKey key) => _memory.Forget(Name(key.Hash));

    public void Dispose() => _memory.Dispose();

    private async Task<KnownApiKey?> ReadAsync(byte[] hash, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<TenantContext>();
        var now = time.GetUtcNow();
        var key = await accounts.ApiKeys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Hash == hash && row.RevokedAt == null && row.ExpiresAt > now, cancellationToken);
        if (key is null)
        {
            return null;
        }

        var before = now - UseInterval;
        if (key.LastUsedAt is null || key.LastUsedAt <= before)
        {
            await accounts.ApiKeys.Where(row => row.Id == key.Id && (row.LastUsedAt == null || row.LastUsedAt <= before))
                .ExecuteUpdateAsync(row => row.SetProperty(used => used.LastUsedAt, now), cancellationToken);
        }

        return new KnownApiKey(key.Id, key.AccountId, key.ExpiresAt);
    }

    private static string Name(byte[] hash) => Convert.ToHexString(hash);
}

internal sealed record KnownApiKey(Guid Id, Guid AccountId, DateTimeOffset ExpiresAt);
