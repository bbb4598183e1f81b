using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests;

public class CallOpenerTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task an_open_call_is_committed_with_its_reserve_when_the_open_ends()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var call = Calls.Open();

        await host.Opener.OpenAsync(call, Cancellation);

        Assert.Equal(call.Id, await host.ScalarAsync("SELECT id FROM ledger.open_call"));
        Assert.Equal(host.Running.InstanceId, await host.ScalarAsync("SELECT instance_id FROM ledger.open_call"));
        Assert.Equal(1100L, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_settled_call_leaves_a_row_its_tokens_and_no_reserve()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var call = Calls.Open();
        await host.Opener.OpenAsync(call, Cancellation);
        Assert.Equal([call.Id], host.Running.Ids());

        await host.Writer.WriteAsync(call.Settle(), Cancellation);
        await host.IngestAllAsync();

        Assert.Equal([], host.Running.Ids());
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(0L, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
        Assert.Equal(46L, await host.ScalarAsync("SELECT used_tokens FROM ledger.allowance"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task the_same_call_opened_twice_reserves_once()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var call = Calls.Open();

        await host.Opener.OpenAsync(call, Cancellation);
        await host.Opener.OpenAsync(call, Cancellation);

        Assert.Equal(1100L, await host.ScalarAsync("SELECT sum(reserved_tokens)::bigint FROM ledger.allowance"));
    }

    [Fact]
    public async Task many_calls_at_once_reserve_for_each()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        Guid[] orgs = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];

        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => host.Opener.OpenAsync(Calls.Open(org: orgs[i % 3]), Cancellation)));

        Assert.Equal(300L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(330_000L, await host.ScalarAsync("SELECT sum(reserved_tokens)::bigint FROM ledger.allowance"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    /// <summary>A plan is made when the table is small, and kept.</summary>
    [Fact]
    public async Task calls_are_looked_for_by_their_ids_and_not_among_all_that_are_open()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var host = await LedgerHost.ReadyAsync(database);
        await using var source = NpgsqlDataSource.Create(ConnectionPool.WithDefaults($"{database};Maximum Pool Size=1")!);
        await new OpenCallTable(source, host.Running).InsertAsync([Calls.Open(), Calls.Open()], Cancellation);

        var plan = await ReadAsync("""
            SELECT format('SET plan_cache_mode = force_generic_plan; EXPLAIN EXECUTE %I (%s)', name, concat_ws(', ', VARIADIC array_fill('NULL'::text, ARRAY[cardinality(parameter_types)])))
            FROM pg_prepared_statements WHERE statement LIKE '%INSERT INTO ledger.open_call%'
            """);
        plan = await ReadAsync(plan);

        Assert.Contains("using pk_open_call on open_call there", plan, StringComparison.Ordinal);

        async Task<string> ReadAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            await using var reader = await command.ExecuteReaderAsync(Cancellation);
            List<string> lines = [];
            while (await reader.ReadAsync(Cancellation))
            {
                lines.Add(reader.GetString(0));
            }

            return string.Join('\n', lines);
        }
    }

    [Fact]
    public async Task a_cancelled_caller_opens_nothing()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Opener.OpenAsync(Calls.Open(), new CancellationToken(canceled: true)));

        Assert.Equal([], host.Running.Ids());
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
    }

    [Fact]
    public async Task while_postgresql_is_away_those_served_before_are_admitted_up_to_the_allowance_and_nobody_else()
    {
        await using var own = new PostgresFixture();
        var server = await own.GetServerAsync();
        await using var host = await LedgerHost.ReadyAsync(
            await own.CreateDatabaseAsync(), ("Usage:PostgresPatience", "00:00:01"), ("Usage:OutageAllowance", "2500"));
        var known = Calls.Open();
        await host.Opener.OpenAsync(known, Cancellation);
        await server.StopAsync(PostgresStopMode.Immediate);

        OpenCall[] admitted = [Calls.Open(user: known.UserId, org: known.OrgId), Calls.Open(user: known.UserId, org: known.OrgId)];
        foreach (var call in admitted)
        {
            await host.Opener.OpenAsync(call, Cancellation);
        }

        var beyond = await Assert.ThrowsAsync<LedgerUnavailableException>(() => host.Opener.OpenAsync(Calls.Open(user: known.UserId, org: known.OrgId), Cancellation));
        var unknown = await Assert.ThrowsAsync<LedgerUnavailableException>(() => host.Opener.OpenAsync(Calls.Open(org: known.OrgId), Cancellation));

        Assert.Contains("OutageAllowance", beyond.Message, StringComparison.Ordinal);
        Assert.Contains("not served shortly before", unknown.Message, StringComparison.Ordinal);
        Assert.True(unknown.RetryAfter > TimeSpan.Zero);
        Assert.Equal(2, host.Spool.Count);
        Assert.Equal(3, host.Running.Count);

        // One of them ends before PostgreSQL is back: only the other is opened there.
        await host.Writer.WriteAsync(admitted[0].Settle(), Cancellation);
        await server.RestartAsync(PostgresStopMode.Immediate, Cancellation);
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && !host.Postgres.IsAway));

        await host.IngestAllAsync();
        Assert.Equal(2L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(admitted[0].Id, Assert.Single(await host.RowsAsync()).Id);
        Assert.Equal(2200L, await host.ScalarAsync("SELECT sum(reserved_tokens)::bigint FROM ledger.allowance"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        Assert.Empty(Directory.EnumerateFiles(host.SpoolFolder));
    }
}
