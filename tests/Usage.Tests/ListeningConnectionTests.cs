using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests;

/// <summary>Connections go back into their pool as they are.</summary>
public sealed class ListeningConnectionTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task it_hears_and_goes_back_into_its_pool_deaf()
    {
        // One connection, so that who comes next gets this one.
        var pooled = ConnectionPool.WithDefaults($"{await postgres.CreateDatabaseAsync()};Maximum Pool Size=1");
        await using var source = NpgsqlDataSource.Create(pooled!);
        List<string> heard = [];
        string process;
        await using (var listening = await ListeningConnection.OpenAsync(source, one => heard.Add($"{one.Channel} {one.Payload}"), ["one", "other"], Cancellation))
        {
            await using var tell = listening.CreateCommand("NOTIFY one, 'a'; NOTIFY other, 'b'; SELECT pg_backend_pid()::text");
            process = (string)(await tell.ExecuteScalarAsync(Cancellation))!;
            while (heard.Count < 2)
            {
                await listening.WaitAsync(Timeout.InfiniteTimeSpan, Cancellation);
            }
        }

        Assert.Equal(["one a", "other b"], heard);
        await using var next = source.CreateCommand("SELECT pg_backend_pid() || ' listens to ' || (SELECT count(*) FROM pg_listening_channels())");
        Assert.Equal($"{process} listens to 0", await next.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task a_wait_that_is_given_up_leaves_the_connection_whole()
    {
        var pooled = ConnectionPool.WithDefaults($"{await postgres.CreateDatabaseAsync()};Maximum Pool Size=1");
        await using var source = NpgsqlDataSource.Create(pooled!);
        using var given = new CancellationTokenSource();
        await using (var listening = await ListeningConnection.OpenAsync(source, _ => { }, ["one"], Cancellation))
        {
            var waiting = listening.WaitAsync(Timeout.InfiniteTimeSpan, given.Token);
            await given.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        await using var next = source.CreateCommand("SELECT count(*) FROM pg_listening_channels()");
        Assert.Equal(0L, await next.ExecuteScalarAsync(Cancellation));
    }
}
