using LlmAspire.TestPostgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.Usage.Tests;

/// <summary>PostgreSQL answers, and a statement waits all the same: behind a lock, or because others have all connections.</summary>
public class BusyTests(PostgresFixture postgres)
{
    /// <summary>Half of it is for the answer of a server that may have much else to do in these tests.</summary>
    private static readonly (string, string) Patience = ("Usage:PostgresPatience", "00:00:10");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_locked_inbox_is_no_outage_and_events_are_durable_without_it()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), Patience);
        var call = Calls.Open();
        await using (await host.CloseInboxAsync())
        {
            await host.Writer.WriteAsync(call.Settle(), Cancellation);

            AssertBusy(host);
            Assert.Equal(1, host.Spool.Count);
            // What is not behind the lock goes on as ever.
            await host.Opener.OpenAsync(Calls.Open(), Cancellation);
            Assert.Equal(1L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        }

        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0));
        await host.IngestAllAsync();
        Assert.Equal(call.Id, Assert.Single(await host.RowsAsync()).Id);
    }

    [Fact]
    public async Task calls_behind_a_lock_are_admitted_as_far_as_their_plan_is_known()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), Patience);
        var known = Calls.Open(limit: 2200);
        await host.Opener.OpenAsync(known, Cancellation);
        OpenCall[] calls =
        [
            Calls.Open(user: known.UserId, org: known.OrgId, limit: 2200), Calls.Open(user: known.UserId, org: known.OrgId, limit: 2200), Calls.Open(),
        ];
        Exception?[] ends;
        await using (await LockAsync(host, "ledger.open_call"))
        {
            ends = await Task.WhenAll(calls.Select(call => Record.ExceptionAsync(() => host.Opener.OpenAsync(call, Cancellation)).AsTask()));
        }

        Assert.Equal([null, typeof(AllowanceExceededException), typeof(LedgerUnavailableException)], ends.Select(end => end?.GetType()));
        AssertBusy(host);
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0));
        Assert.Equal(2200L, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
    }

    [Fact]
    public async Task who_reads_for_long_takes_no_connection_of_who_opens_and_settles()
    {
        // Of each pool.
        await using var host = await LedgerHost.ReadyAsync($"{await postgres.CreateDatabaseAsync()};Maximum Pool Size=2", Patience);
        var reading = host.Services.GetRequiredKeyedService<NpgsqlDataSource>(ConnectionPool.Reading);
        await using var first = await reading.OpenConnectionAsync(Cancellation);
        await using var second = await reading.OpenConnectionAsync(Cancellation);
        var call = Calls.Open();

        await host.Opener.OpenAsync(call, Cancellation);
        await host.Writer.WriteAsync(call.Settle(), Cancellation);

        Assert.Equal(1L, await host.InboxCountAsync());
        Assert.Equal((0, 0L), (host.Spool.Count, host.Postgres.Busy));
    }

    [Fact]
    public async Task who_reads_changes_nothing_and_ends_in_time()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var reading = host.Services.GetRequiredKeyedService<NpgsqlDataSource>(ConnectionPool.Reading);

        await using var timeout = reading.CreateCommand("SHOW statement_timeout");
        Assert.Equal("30s", await timeout.ExecuteScalarAsync(Cancellation));
        await using var write = reading.CreateCommand("DELETE FROM ledger.open_call");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => write.ExecuteNonQueryAsync(Cancellation));
        Assert.Equal(PostgresErrorCodes.ReadOnlySqlTransaction, refused.SqlState);
    }

    private static void AssertBusy(LedgerHost host)
    {
        Assert.Null(host.Postgres.AwaySince);
        Assert.True(host.Postgres.Busy > 0);
        Assert.Contains("PostgreSQL answers, but a statement waits", Assert.Single(host.LogAt(LogLevel.Warning), line => line.Contains("PostgreSQL", StringComparison.Ordinal)));
    }

    private static async Task<IAsyncDisposable> LockAsync(LedgerHost host, string table)
    {
        var connection = await host.Source.OpenConnectionAsync(Cancellation);
        var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var command = new NpgsqlCommand($"LOCK TABLE {table}", connection, transaction);
        await command.ExecuteNonQueryAsync(Cancellation);
        return new Held(transaction, connection);
    }

    private sealed class Held(NpgsqlTransaction transaction, NpgsqlConnection connection) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}
