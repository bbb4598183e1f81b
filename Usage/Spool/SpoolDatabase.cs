using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmAspire.Usage;

/// <summary>
/// One SQLite file of entries, locked by the process that has it open: the operating system lets go of the lock when the process dies. What is
/// committed is on disk (<c>synchronous = FULL</c>). Not thread-safe.
/// </summary>
internal sealed class SpoolDatabase : IDisposable
{
    /// <summary>
    /// The format of the file and of the bodies of its entries: SQLite's <c>user_version</c>. Files without one are of before it was counted, and are read like
    /// those of format 1. It is raised when an older version could not read what is written: for a new member of a body too.
    /// </summary>
    public const long FormatVersion = 1;

    private readonly SqliteConnection _connection;

    private SpoolDatabase(string path, SqliteConnection connection)
    {
        Path = path;
        _connection = connection;
    }

    public string Path { get; }

    /// <summary>Opens the file, or makes it, and locks it.</summary>
    /// <exception cref="SqliteException">
    /// <see cref="IsInUse"/> when another process has it, <see cref="IsBroken"/> when it is no such file; else the disk is full or broken.
    /// </exception>
    /// <exception cref="SpoolVersionException">A newer version wrote it: it is left as it is.</exception>
    public static SpoolDatabase Open(string path, long maxBytes)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = path,
            // A pool would keep the file, and with it the lock.
            Pooling = false,
            // Seconds to wait for somebody else's lock: whoever has this one keeps it.
            DefaultTimeout = 1,
        }.ConnectionString);
        try
        {
            connection.Open();
            Execute(connection, "PRAGMA locking_mode = EXCLUSIVE");
            var version = (long)Scalar(connection, "PRAGMA user_version")!;
            if (version > FormatVersion)
            {
                throw new SpoolVersionException(version);
            }

            Execute(connection, "PRAGMA journal_mode = WAL");
            Execute(connection, "PRAGMA synchronous = FULL");
            var pageSize = (long)Scalar(connection, "PRAGMA page_size")!;
            Execute(connection, $"PRAGMA max_page_count = {Math.Max(maxBytes / pageSize, 1)}");
            // Takes the lock, and says when this is no database.
            Execute(connection, "BEGIN EXCLUSIVE");
            if (Scalar(connection, "SELECT 1 FROM sqlite_schema") is null)
            {
                Execute(connection, $"PRAGMA user_version = {FormatVersion}");
            }

            Execute(connection, """
                CREATE TABLE IF NOT EXISTS entry (
                    position INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, call_id TEXT NOT NULL, body TEXT NOT NULL,
                    spooled_at INTEGER NOT NULL DEFAULT (unixepoch()));
                CREATE INDEX IF NOT EXISTS entry_call ON entry (call_id)
                """);
            Execute(connection, "COMMIT");
            return new SpoolDatabase(path, connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static bool IsInUse(SqliteException exception) => exception.SqliteErrorCode is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    public static bool IsBroken(SqliteException exception) => exception.SqliteErrorCode is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>Writes all of them or none; when it returns they are on disk. A settle takes the place of its call's open.</summary>
    /// <returns>How many more there are now.</returns>
    /// <exception cref="SqliteException">Nothing was written.</exception>
    public int Append(IReadOnlyList<SpoolEntry> entries)
    {
        var added = entries.Count;
        using var transaction = _connection.BeginTransaction();
        using var forget = _connection.CreateCommand();
        forget.CommandText = "DELETE FROM entry WHERE call_id = $call";
        var forgotten = forget.Parameters.Add("$call", SqliteType.Text);
        using var insert = _connection.CreateCommand();
        insert.CommandText = "INSERT INTO entry (kind, call_id, body) VALUES ($kind, $call, $body)";
        var kind = insert.Parameters.Add("$kind", SqliteType.Integer);
        var call = insert.Parameters.Add("$call", SqliteType.Text);
        var body = insert.Parameters.Add("$body", SqliteType.Text);
        foreach (var entry in entries)
        {
            if (entry.Kind == SpoolKind.Settle)
            {
                forgotten.Value = entry.CallId.ToString();
                added -= forget.ExecuteNonQuery();
            }

            kind.Value = (int)entry.Kind;
            call.Value = entry.CallId.ToString();
            body.Value = entry.Body;
            insert.ExecuteNonQuery();
        }

        transaction.Commit();
        return added;
    }

    /// <summary>The oldest entries after a position.</summary>
    public List<SpoolEntry> Read(long after, int limit)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT position, kind, call_id, body FROM entry WHERE position > $after ORDER BY position LIMIT $limit";
        command.Parameters.AddWithValue("$after", after);
        command.Parameters.AddWithValue("$limit", limit);
        List<SpoolEntry> entries = [];
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            entries.Add(new SpoolEntry(reader.GetInt64(0), (SpoolKind)reader.GetInt32(1), Guid.Parse(reader.GetString(2)), reader.GetString(3)));
        }

        return entries;
    }

    /// <returns>How many there were of them.</returns>
    public int Delete(IEnumerable<SpoolEntry> entries)
    {
        var deleted = 0;
        using var transaction = _connection.BeginTransaction();
        using var command = _connection.CreateCommand();
        command.CommandText = "DELETE FROM entry WHERE position = $position";
        var position = command.Parameters.Add("$position", SqliteType.Integer);
        foreach (var entry in entries)
        {
            position.Value = entry.Position;
            deleted += command.ExecuteNonQuery();
        }

        transaction.Commit();
        return deleted;
    }

    /// <summary>When the oldest entry came; null when there is none.</summary>
    public DateTimeOffset? Oldest() => Scalar(_connection, "SELECT spooled_at FROM entry ORDER BY position LIMIT 1") is long oldest
        ? DateTimeOffset.FromUnixTimeSeconds(oldest)
        : null;

    public void Dispose() => _connection.Dispose();

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
