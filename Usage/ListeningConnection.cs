using Npgsql;

namespace LlmAspire.Usage;

/// <summary>
/// A connection that hears what is told on channels. It goes back into its pool deaf: notifications that nobody reads would fill its socket, and then
/// PostgreSQL's queue of them. Not thread-safe.
/// </summary>
public sealed class ListeningConnection : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;

    private ListeningConnection(NpgsqlConnection connection) => _connection = connection;

    /// <param name="hear">Is told of each notification, one after the other, while the connection is used.</param>
    /// <param name="channels">Their names are put into SQL as they are.</param>
    /// <exception cref="NpgsqlException">When PostgreSQL is away.</exception>
    public static async Task<ListeningConnection> OpenAsync(
        NpgsqlDataSource source, Action<NpgsqlNotificationEventArgs> hear, IEnumerable<string> channels, CancellationToken cancellationToken)
    {
        var listening = new ListeningConnection(await source.OpenConnectionAsync(cancellationToken));
        try
        {
            listening._connection.Notification += (_, notification) => hear(notification);
            await listening.ExecuteAsync(string.Join(";", channels.Select(channel => $"LISTEN {channel}")), cancellationToken);
            return listening;
        }
        catch
        {
            await listening.DisposeAsync();
            throw;
        }
    }

    /// <summary>For statements beside.</summary>
    public NpgsqlCommand CreateCommand(string sql) => new(sql, _connection);

    /// <summary>Waits for a notification, or until the time is over.</summary>
    /// <exception cref="NpgsqlException">When the connection is lost.</exception>
    public Task WaitAsync(TimeSpan time, CancellationToken cancellationToken) => _connection.WaitAsync(time, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        try
        {
            await ExecuteAsync("UNLISTEN *", CancellationToken.None);
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException)
        {
            // It is broken, and is not taken up again.
        }

        await _connection.DisposeAsync();
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
