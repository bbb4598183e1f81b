using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using Microsoft.EntityFrameworkCore;

namespace LlmAspire.Api.Identity.Keys;

/// <summary>Finds whose a key is, for requests. A key that is revoked elsewhere may be good for five seconds more. Safe to use from several threads.</summary>
internal sealed partial class ApiKeys : IDisposable
{
    /// <summary>How every key begins; it tells a key from a bearer token, and lets secret scanners find one that leaked.</summary>
    public const string Mark = "llma_";

    /// <summary>How often at most the last use is written.</summary>
    private static readonly TimeSpan UseInterval = TimeSpan.FromMinutes(1);

    private readonly IServiceScopeFactory _scopes;
    private readonly TimeProvider _time;
    private readonly ILogger<ApiKeys> _logger;
    private readonly RecentMemory<string, KnownApiKey> _memory;

    public ApiKeys(IServiceScopeFactory scopes, TimeProvider time, ILogger<ApiKeys> logger)
    {
        (_scopes, _time, _logger) = (scopes, time, logger);
        _memory = new RecentMemory<string, KnownApiKey>(ReadAsync, time, keepFresh: true);
    }

    /// <summary>Null when there is no such key, or it is revoked or expired.</summary>
    /// <exception cref="DatabaseAwayException">When PostgreSQL is away and the key is not known.</exception>
    public async Task<KnownApiKey?> FindAsync(string key, CancellationToken cancellationToken)
    {
        var known = await _memory.FindAsync(Name(Secrets.Hash(key)), _ => true, cancellationToken);
        var now = _time.GetUtcNow();
        if (known is null || known.ExpiresAt <= now)
        {
            return null;
        }

        if (known.TryUse(now, UseInterval))
        {
            // Nobody waits for it.
            _ = WriteUseAsync(known.Id, now);
        }

        return known;
    }

    public void Forget(ApiKey key) => _memory.Forget(Name(key.Hash));

    public void Dispose() => _memory.Dispose();

    private async Task<Dictionary<string, KnownApiKey>> ReadAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken)
    {
        var hashes = names.Select(Convert.FromHexString).ToArray();
        await using var scope = _scopes.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<TenantContext>();
        var now = _time.GetUtcNow();
        return await accounts.ApiKeys.AsNoTracking()
            .Where(row => hashes.Contains(row.Hash) && row.RevokedAt == null && row.ExpiresAt > now)
            .ToDictionaryAsync(row => Name(row.Hash), row => new KnownApiKey(row.Id, row.AccountId, row.ExpiresAt, row.LastUsedAt), cancellationToken);
    }

    private async Task WriteUseAsync(Guid id, DateTimeOffset now)
    {
        try
        {
            await using var scope = _scopes.CreateAsyncScope();
            var accounts = scope.ServiceProvider.GetRequiredService<TenantContext>();
            var before = now - UseInterval;
            await accounts.ApiKeys.Where(row => row.Id == id && (row.LastUsedAt == null || row.LastUsedAt <= before))
                .ExecuteUpdateAsync(row => row.SetProperty(used => used.LastUsedAt, now));
        }
        catch (Exception exception)
        {
            LogUseNotWritten(_logger, exception, id);
        }
    }

    private static string Name(byte[] hash) => Convert.ToHexString(hash);

    [LoggerMessage(LogLevel.Warning, "The last use of API key {KeyId} was not written; a later one will be.")]
    private static partial void LogUseNotWritten(ILogger logger, Exception exception, Guid keyId);
}

/// <summary>Safe to use from several threads.</summary>
internal sealed class KnownApiKey(Guid id, Guid accountId, DateTimeOffset expiresAt, DateTimeOffset? lastUsedAt)
{
    private long _lastUsed = lastUsedAt?.UtcTicks ?? 0;

    public Guid Id => id;

    public Guid AccountId => accountId;

    public DateTimeOffset ExpiresAt => expiresAt;

    /// <summary>Whether this use is to be written, being the first for so long.</summary>
    public bool TryUse(DateTimeOffset now, TimeSpan interval)
    {
        var last = Volatile.Read(ref _lastUsed);
        return now.UtcTicks - last >= interval.Ticks && Interlocked.CompareExchange(ref _lastUsed, now.UtcTicks, last) == last;
    }
}
