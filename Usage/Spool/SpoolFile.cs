using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmAspire.Usage;

/// <summary>
/// This process's spool. The file is made when the first entry comes and goes when all was replayed: most processes never have one. Safe to
/// use from any thread; calls block for a few milliseconds while the disk writes.
/// </summary>
internal sealed class SpoolFile : IDisposable
{
    private const string Extension = ".spool";

    private readonly Lock _lock = new();
    private readonly SpoolOptions _options;
    private readonly TimeProvider _time;
    private readonly HeldSpools _held;
    private readonly ILogger<SpoolFile> _logger;
    private readonly string _folder;
    private SpoolDatabase? _database;
    private int _count;
    private DateTimeOffset? _oldest;

    public SpoolFile(IOptions<SpoolOptions> options, IHostEnvironment environment, HeldSpools held, TimeProvider time, ILogger<SpoolFile> logger)
    {
        _options = options.Value;
        _held = held;
        _time = time;
        _logger = logger;
        _folder = Path.GetFullPath(_options.Directory, environment.ContentRootPath);
    }

    /// <summary>Entries that wait in this process's file.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Since when the oldest of them waits, about; null when none does.</summary>
    public DateTimeOffset? Oldest
    {
        get
        {
            lock (_lock)
            {
                return _oldest;
            }
        }
    }

    /// <summary>Writes all of them or none; when it returns they are on disk.</summary>
    /// <exception cref="SpoolException">When the disk is full or broken: nothing was written.</exception>
    public void Append(IReadOnlyList<SpoolEntry> entries)
    {
        lock (_lock)
        {
            try
            {
                _database ??= Create();
                // Counted here and not in the file: a long outage would be counted again after each batch.
                _count += _database.Append(entries);
            }
            catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
            {
                SetAsideWhenBroken(exception);
                throw new SpoolException($"The spool in {_folder} does not take events: {exception.Message}", exception);
            }

            _oldest ??= _time.GetUtcNow();
        }
    }

    /// <summary>The oldest entries after a position; none when there is no file.</summary>
    /// <exception cref="SqliteException">When the disk is broken. A broken file is set aside before: the next entry gets a new one.</exception>
    public IReadOnlyList<SpoolEntry> Read(long after, int limit)
    {
        lock (_lock)
        {
            try
            {
                return _database?.Read(after, limit) ?? [];
            }
            catch (SqliteException exception)
            {
                SetAsideWhenBroken(exception);
                throw;
            }
        }
    }

    /// <summary>Removes what was replayed. A full disk may refuse even that: then it is replayed again, which is harmless.</summary>
    public void Delete(IReadOnlyCollection<SpoolEntry> entries)
    {
        lock (_lock)
        {
            if (_database is not null)
            {
                _count -= Delete(_database, entries);
                _oldest = _database.Oldest();
            }
        }
    }

    /// <summary>
    /// Moves entries that cannot be sent into a file of their own, so that this one can be emptied; it is held back like the file of a process that is gone.
    /// </summary>
    /// <exception cref="SqliteException">The disk is full or broken: they stay.</exception>
    public void Separate(IReadOnlyCollection<SpoolEntry> entries, Exception reason)
    {
        lock (_lock)
        {
            using (var separate = Create())
            {
                separate.Append([.. entries]);
                _held.Hold(separate.Path, reason);
            }

            // A process that ends here leaves them in both files: sending an entry twice is harmless.
            Delete(entries);
        }
    }

    /// <summary>Removes the file when nothing came after a position up to which all was replayed.</summary>
    public void RemoveWhenReplayed(long position)
    {
        lock (_lock)
        {
            if (_database is not null && _database.Read(position, 1).Count == 0)
            {
                Remove(_database);
                _database = null;
                (_count, _oldest) = (0, null);
            }
        }
    }

    /// <summary>Removes what was replayed from a file, if its disk lets us.</summary>
    /// <returns>How many were removed.</returns>
    public static int Delete(SpoolDatabase database, IReadOnlyCollection<SpoolEntry> entries)
    {
        try
        {
            return database.Delete(entries);
        }
        catch (SqliteException)
        {
            // The file is removed as a whole when all of it was replayed.
            return 0;
        }
    }

    /// <summary>
    /// Opens the files of processes that are gone; those of running ones are locked, and those that are held back are tried when their time has come. Whoever gets one
    /// empties it and calls <see cref="Remove"/>.
    /// </summary>
    public IEnumerable<SpoolDatabase> Adopt()
    {
        string[] paths = Directory.Exists(_folder) ? [.. Directory.EnumerateFiles(_folder, $"*{Extension}").Order(StringComparer.Ordinal)] : [];
        _held.ReleaseAllBut(paths);
        foreach (var path in paths)
        {
            if (path != _database?.Path && _held.IsDue(path) && TryOpen(path) is { } database)
            {
                yield return database;
            }
        }
    }

    /// <summary>Closes a file that is no longer one, and renames it: nobody takes it up again.</summary>
    public void SetAside(SpoolDatabase database, Exception exception)
    {
        database.Dispose();
        MoveAside(database.Path, exception);
    }

    /// <summary>Closes an empty file and deletes it.</summary>
    public static void Remove(SpoolDatabase database)
    {
        // Closing deletes the write-ahead log; the lock goes with it, but nobody else wants an empty file.
        database.Dispose();
        File.Delete(database.Path);
    }

    /// <summary>Closes what is left; another process, or the next start, takes it up.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _database?.Dispose();
            _database = null;
        }
    }

    private SpoolDatabase Create()
    {
        Directory.CreateDirectory(_folder);
        return SpoolDatabase.Open(Path.Combine(_folder, $"{Guid.CreateVersion7()}{Extension}"), _options.MaxBytes);
    }

    private SpoolDatabase? TryOpen(string path)
    {
        try
        {
            return SpoolDatabase.Open(path, _options.MaxBytes);
        }
        catch (SqliteException exception) when (SpoolDatabase.IsInUse(exception))
        {
            return null;
        }
        catch (SqliteException exception) when (SpoolDatabase.IsBroken(exception))
        {
            MoveAside(path, exception);
            return null;
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException or SpoolVersionException)
        {
            _held.Hold(path, exception);
            return null;
        }
    }

    private void SetAsideWhenBroken(Exception exception)
    {
        if (_database is not null && exception is SqliteException sqlite && SpoolDatabase.IsBroken(sqlite))
        {
            SetAside(_database, exception);
            _database = null;
            (_count, _oldest) = (0, null);
        }
    }

    /// <summary>A broken file is kept for a person to look at: what is in it can be lost.</summary>
    private void MoveAside(string path, Exception exception)
    {
        var aside = $"{path}.broken";
        try
        {
            File.Move(path, aside, overwrite: true);
            if (File.Exists($"{path}-wal"))
            {
                File.Move($"{path}-wal", $"{aside}-wal", overwrite: true);
            }
        }
        catch (Exception disk) when (disk is IOException or UnauthorizedAccessException)
        {
            // A disk that is broken or read-only: it stays where it is, and what it lacks has been said.
            aside = path;
        }

        _logger.SpoolBroken(exception, aside);
    }
}
