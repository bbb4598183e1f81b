using Microsoft.Extensions.Caching.Memory;

namespace LlmAspire.Api.Identity;

/// <summary>
/// Remembers what was read from the database: for <see cref="Freshness"/> instead of reading it again, and for <see cref="Longest"/> while
/// PostgreSQL is away. Safe to use from several threads.
/// </summary>
internal sealed class RecentMemory<TKey, TValue>(TimeProvider time) : IDisposable
    where TKey : notnull
    where TValue : class
{
    private const int MostEntries = 50_000;

    /// <summary>How old a value may be while PostgreSQL answers: so long is a change of another replica not seen.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromSeconds(5);

    /// <summary>How old a value may be while PostgreSQL does not answer.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = MostEntries });

    /// <summary>The value, or null when there is none.</summary>
    /// <param name="isCurrent">Whether a remembered value will do; otherwise it is read again.</param>
    /// <exception cref="DatabaseAwayException">When it has to be read and cannot be.</exception>
    public async Task<TValue?> FindAsync(
        TKey key, Func<CancellationToken, Task<TValue?>> read, Func<TValue, bool> isCurrent, CancellationToken cancellationToken)
    {
        var remembered = _cache.Get<Entry>(key);
        if (remembered is not null && time.GetUtcNow() - remembered.ReadAt < Freshness && isCurrent(remembered.Value))
        {
            return remembered.Value;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            var readAt = time.GetUtcNow();
            if (await read(patience.Token) is not { } value)
            {
                _cache.Remove(key);
                return null;
            }

            _cache.Set(key, new Entry(value, readAt), new MemoryCacheEntryOptions { Size = 1, AbsoluteExpirationRelativeToNow = Longest });
            return value;
        }
        catch (Exception exception) when (DatabaseAwayException.IsMeantBy(exception)
            || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return remembered is not null && time.GetUtcNow() - remembered.ReadAt < Longest
                ? remembered.Value
                : throw new DatabaseAwayException(exception);
        }
    }

    /// <summary>Reads it again the next time.</summary>
    public void Forget(TKey key) => _cache.Remove(key);

    public void Dispose() => _cache.Dispose();

    private sealed record Entry(TValue Value, DateTimeOffset ReadAt);
}
