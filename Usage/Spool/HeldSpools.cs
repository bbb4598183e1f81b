using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmAspire.Usage;

/// <summary>
/// The files of the spool that this process cannot empty, each with its reason: another version wrote them, PostgreSQL does not take an entry, or the disk does not
/// give them. They stay where they are and are tried again, with longer and longer waits. Safe to use from any thread.
/// </summary>
internal sealed class HeldSpools(IOptions<SpoolOptions> options, TimeProvider time, ILogger<HeldSpools> logger)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<string, HeldSpool> _files = new(StringComparer.Ordinal);

    public int Count => _files.Count;

    /// <summary>One of them, for a person; null when there is none.</summary>
    public (string Path, string Reason)? Any => _files.FirstOrDefault() is { Key: { } path } file ? (path, file.Value.Reason) : null;

    /// <summary>Whether a file may be tried now.</summary>
    public bool IsDue(string path) => !_files.TryGetValue(path, out var held) || held.Next <= time.GetUtcNow();

    /// <summary>Says that a file could not be emptied, and when it is tried again.</summary>
    public void Hold(string path, Exception reason)
    {
        var held = _files.AddOrUpdate(path, _ => At(options.Value.AdoptionInterval), (_, before) => At(before.Wait * 2));
        logger.SpoolHeld(reason, path, held.Wait);

        HeldSpool At(TimeSpan wait)
        {
            wait = wait < LongestWait ? wait : LongestWait;
            return new HeldSpool(time.GetUtcNow() + wait, wait, reason.Message);
        }
    }

    /// <summary>It was emptied, or it is gone: another process may have taken it.</summary>
    public void Release(string path) => _files.TryRemove(path, out _);

    /// <summary>Releases those that are not among the files that are there.</summary>
    public void ReleaseAllBut(IReadOnlyCollection<string> paths)
    {
        foreach (var path in _files.Keys.Except(paths, StringComparer.Ordinal))
        {
            Release(path);
        }
    }

    private sealed record HeldSpool(DateTimeOffset Next, TimeSpan Wait, string Reason);
}
