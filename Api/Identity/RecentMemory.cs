using System.Collections.Concurrent;
using Microsoft.Extensions.Caching.Memory;

namespace LlmAspire.Api.Identity;

/// <summary>
/// Remembers what was read from the database: for <see cref="Freshness"/> instead of reading it again, and for <see cref="Longest"/> while
/// PostgreSQL is away. It can keep fresh what is in use, many values at once, so that nobody waits for it. Safe to use from several threads.
/// </summary>
internal sealed class RecentMemory<TKey, TValue> : IDisposable
    where TKey : notnull
    where TValue : class
{
    private const int MostEntries = 50_000;

    private const int MostAtOnce = 1_000;

    /// <summary>How old a value may be while PostgreSQL answers: so long is a change of another replica not seen.</summary>
    public static readonly TimeSpan Freshness = TimeSpan.FromSeconds(5);

    /// <summary>How old a value may be while PostgreSQL does not answer.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(1);

    /// <summary>Old enough to be read again: the reading has two of the intervals.</summary>
    private static readonly TimeSpan DueAge = Freshness - (2 * RefreshInterval);

    /// <summary>How long after its last use a value is still kept fresh.</summary>
    private static readonly TimeSpan KeptFresh = TimeSpan.FromMinutes(1);

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = MostEntries });
    private readonly ConcurrentDictionary<TKey, Slot> _inUse = [];
    private readonly CancellationTokenSource _end = new();
    private readonly CancellationToken _ended;
    private readonly Func<IReadOnlyCollection<TKey>, CancellationToken, Task<Dictionary<TKey, TValue>>> _read;
    private readonly TimeProvider _time;
    private readonly bool _keepFresh;

    /// <param name="read">Reads the values of some keys; those that have none are not in the answer.</param>
    /// <param name="keepFresh">Whether to read again, before they are too old, those that were used within the last minute.</param>
    public RecentMemory(Func<IReadOnlyCollection<TKey>, CancellationToken, Task<Dictionary<TKey, TValue>>> read, TimeProvider time, bool keepFresh)
    {
        (_read, _time, _keepFresh, _ended) = (read, time, keepFresh, _end.Token);
        if (keepFresh)
        {
            // Not in the trace of whoever needs the first value.
            using var flow = ExecutionContext.SuppressFlow();
            _ = Task.Run(KeepFreshAsync);
        }
    }

    /// <summary>The value, or null when there is none.</summary>
    /// <param name="isCurrent">Whether a remembered value will do; otherwise it is read again.</param>
    /// <exception cref="DatabaseAwayException">When it has to be read and cannot be.</exception>
    public async Task<TValue?> FindAsync(TKey key, Func<TValue, bool> isCurrent, CancellationToken cancellationToken)
    {
        var slot = _cache.Get<Slot>(key);
        slot?.UsedAt = _time.GetTimestamp();
        var remembered = slot?.Entry;
        if (remembered is not null && AgeOf(remembered) < Freshness && isCurrent(remembered.Value))
        {
            return remembered.Value;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            var readAt = _time.GetUtcNow();
            if (!(await _read([key], patience.Token)).TryGetValue(key, out var value))
            {
                Forget(key);
                return null;
            }

            var read = new Slot(new Entry(value, readAt)) { UsedAt = _time.GetTimestamp() };
            _cache.Set(key, read, new MemoryCacheEntryOptions { Size = 1, SlidingExpiration = Longest });
            if (_keepFresh)
            {
                _inUse[key] = read;
            }

            return value;
        }
        catch (Exception exception) when (DatabaseAwayException.IsMeantBy(exception)
            || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return remembered is not null && AgeOf(remembered) < Longest ? remembered.Value : throw new DatabaseAwayException(exception);
        }
    }

    /// <summary>Reads it again the next time.</summary>
    public void Forget(TKey key)
    {
        _inUse.TryRemove(key, out _);
        _cache.Remove(key);
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        _cache.Dispose();
    }

    private TimeSpan AgeOf(Entry entry) => _time.GetUtcNow() - entry.ReadAt;

    private async Task KeepFreshAsync()
    {
        using var timer = new PeriodicTimer(RefreshInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_ended))
            {
                foreach (var some in TakeDue().Chunk(MostAtOnce))
                {
                    await RefreshAsync(some);
                }
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // The service stops.
        }
    }

    private List<KeyValuePair<TKey, Slot>> TakeDue()
    {
        List<KeyValuePair<TKey, Slot>> due = [];
        foreach (var used in _inUse)
        {
            if (_time.GetElapsedTime(used.Value.UsedAt) > KeptFresh)
            {
                _inUse.TryRemove(used);
            }
            else if (AgeOf(used.Value.Entry) >= DueAge)
            {
                due.Add(used);
            }
        }

        return due;
    }

    private async Task RefreshAsync(KeyValuePair<TKey, Slot>[] due)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_ended);
        patience.CancelAfter(Patience);
        try
        {
            var readAt = _time.GetUtcNow();
            var values = await _read([.. due.Select(used => used.Key)], patience.Token);
            foreach (var (key, slot) in due)
            {
                if (values.TryGetValue(key, out var value))
                {
                    // Into the slot: what was forgotten meanwhile stays forgotten.
                    slot.Entry = new Entry(value, readAt);
                }
                else
                {
                    Forget(key);
                }
            }
        }
        catch (Exception) when (!_ended.IsCancellationRequested)
        {
            // Whoever needs one of them reads it, and hears of it.
        }
    }

    private sealed record Entry(TValue Value, DateTimeOffset ReadAt);

    private sealed class Slot(Entry entry)
    {
        private volatile Entry _entry = entry;

        public Entry Entry
        {
            get => _entry;
            set => _entry = value;
        }

        /// <summary>A timestamp.</summary>
        public long UsedAt { get; set; }
    }
}
