using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests;

public class CallSweepTests(PostgresFixture postgres)
{
    private static readonly TimeSpan NoGrace = TimeSpan.Zero;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_call_whose_process_never_reported_becomes_an_interrupted_row()
    {
        await using var host = await NewHostAsync();
        var call = await OpenElsewhereAsync(host);

        Assert.Equal([call.Id], await host.Sweep.SweepAsync(NoGrace, Cancellation));

        var row = Assert.Single(await host.RowsAsync());
        Assert.Equal((call.Id, UsageOutcome.Interrupted, UsageSource.None, 0L, 0L), (row.Id, row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens));
        Assert.Equal((call.OrgId, call.UserId, call.RequestId, call.ModelAlias), (row.OrgId, row.UserId, row.RequestId, row.ModelAlias));
        Assert.Equal(("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"), (row.TraceId, row.SpanId));
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(0L, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_late_settle_replaces_the_interrupted_row_once()
    {
        await using var host = await NewHostAsync();
        var call = await OpenElsewhereAsync(host);
        await host.Sweep.SweepAsync(NoGrace, Cancellation);

        await host.Writer.WriteAsync(call.Settle(), Cancellation);
        await host.Writer.WriteAsync(call.Settle() with { CompletionTokens = 99 }, Cancellation);
        var batches = await host.IngestAllAsync(limit: 1);

        Assert.Equal([true, false], batches.Select(batch => batch.Events is [{ Replaced: true }]));
        Assert.Equal(1, batches[1].Repeated);
        var row = Assert.Single(await host.RowsAsync());
        Assert.Equal((UsageOutcome.Completed, UsageSource.Provider, 34L, "openai"), (row.Outcome, row.Source, row.CompletionTokens, row.Provider));
        Assert.NotNull(row.ReplacedAt);
        Assert.Equal(1L, await host.ScalarAsync("SELECT sum(calls)::bigint FROM ledger.usage_rollup_org"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_settle_that_is_ingested_while_the_sweep_is_not_committed_waits_for_it_and_replaces_its_row()
    {
        await using var host = await NewHostAsync();
        var call = await OpenElsewhereAsync(host);
        // The sweep found the call before its settle came, and is held up over the roll-up.
        await using var holder = await host.Source.OpenConnectionAsync(Cancellation);
        await using var held = await holder.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("LOCK TABLE ledger.usage_rollup_org", holder))
        {
            await hold.ExecuteNonQueryAsync(Cancellation);
        }

        var sweep = host.Sweep.SweepAsync(NoGrace, Cancellation);
        await WaitersAsync(host, 1);
        await host.Writer.WriteAsync(call.Settle(), Cancellation);
        var ingest = host.Ingestion.IngestAsync(10, Cancellation);
        await WaitersAsync(host, 2);
        await held.RollbackAsync(Cancellation);

        // Whichever of the two PostgreSQL ends in a deadlock: both are through, and the settle stands.
        await sweep;
        await ingest;
        var row = Assert.Single(await host.RowsAsync());
        Assert.Equal((UsageOutcome.Completed, 34L), (row.Outcome, row.CompletionTokens));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_call_whose_settle_is_being_ingested_is_not_swept()
    {
        await using var host = await NewHostAsync();
        var call = await OpenElsewhereAsync(host);
        await host.Writer.WriteAsync(call.Settle(), Cancellation);
        await using var holder = await host.Source.OpenConnectionAsync(Cancellation);
        await using var held = await holder.BeginTransactionAsync(Cancellation);
        await using (var hold = new NpgsqlCommand("SELECT FROM ledger.allowance FOR UPDATE", holder))
        {
            await hold.ExecuteNonQueryAsync(Cancellation);
        }

        var ingest = host.Ingestion.IngestAsync(10, Cancellation);
        await WaitersAsync(host, 1);
        Assert.Equal([], await host.Sweep.SweepAsync(NoGrace, Cancellation));
        await held.RollbackAsync(Cancellation);

        Assert.False(Assert.Single((await ingest).Events).Replaced);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task processes_that_are_silent_for_a_day_are_forgotten_unless_they_have_open_calls()
    {
        await using var host = await NewHostAsync();
        RunningCalls silent = new(), holding = new();
        await new OpenCallTable(host.Source, holding).InsertAsync([Calls.Open()], Cancellation);
        await using (var report = host.Source.CreateCommand("""
            INSERT INTO ledger.api_instance (id, host, reported_at, open_calls)
            VALUES ($1, 'silent', now() - interval '25 hours', '{}'), ($2, 'holding', now() - interval '25 hours', '{}'), (gen_random_uuid(), 'quiet', now() - interval '23 hours', '{}')
            """))
        {
            report.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = silent.InstanceId });
            report.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = holding.InstanceId });
            await report.ExecuteNonQueryAsync(Cancellation);
        }

        await host.Sweep.SweepAsync(TimeSpan.FromHours(1), Cancellation);

        const string Known = "SELECT string_agg(host, ' ' ORDER BY host) FROM ledger.api_instance WHERE host IN ('silent', 'holding', 'quiet')";
        Assert.Equal("holding quiet", await host.ScalarAsync(Known));
        await host.Sweep.SweepAsync(NoGrace, Cancellation);
        Assert.Equal("quiet", await host.ScalarAsync(Known));
    }

    [Fact]
    public async Task an_open_that_arrives_after_its_settle_was_ingested_leaves_nothing_behind()
    {
        await using var host = await NewHostAsync();
        var call = Calls.Open();
        await host.Writer.WriteAsync(call.Settle(), Cancellation);
        await host.IngestAllAsync();
        await new OpenCallTable(host.Source, new RunningCalls()).InsertAsync([call], Cancellation);

        Assert.Equal([], await host.Sweep.SweepAsync(NoGrace, Cancellation));

        Assert.Equal(UsageOutcome.Completed, Assert.Single(await host.RowsAsync()).Outcome);
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(0L, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_name_that_is_too_long_for_a_key_is_cut_by_ingestion_and_by_the_sweep()
    {
        await using var host = await NewHostAsync();
        var random = new Random(1);
        OpenCall Endless() => Calls.Open() with { ModelAlias = string.Concat(Enumerable.Range(0, 20_000).Select(_ => (char)random.Next('!', '~'))) };
        OpenCall[] calls = [Endless(), Endless()];
        await new OpenCallTable(host.Source, new RunningCalls()).InsertAsync(calls, Cancellation);
        await host.Writer.WriteAsync(calls[0].Settle(), Cancellation);

        Assert.Equal(0, Assert.Single(await host.IngestAllAsync()).Rejected);
        Assert.Equal([calls[1].Id], await host.Sweep.SweepAsync(NoGrace, Cancellation));

        Assert.Equal(
            calls.Select(call => (call.Id, call.ModelAlias[..200])).OrderBy(call => call.Id),
            (await host.RowsAsync()).Select(row => (row.Id, row.ModelAlias)).OrderBy(row => row.Id));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_call_that_its_process_lists_is_left_alone_and_one_that_it_no_longer_lists_is_not()
    {
        await using var host = await NewHostAsync(("Usage:LivenessInterval", "00:00:00.02"));
        var running = Calls.Open();
        await host.Opener.OpenAsync(running, Cancellation);
        var forgotten = Calls.Open();
        await host.Opener.OpenAsync(forgotten, Cancellation);
        host.Running.Remove(forgotten.Id);
        await LedgerHost.WaitAsync(async () => await host.ScalarAsync(
            "SELECT count(*) FROM ledger.api_instance WHERE cardinality(open_calls) = 1 AND reported_at > (SELECT max(opened_at) FROM ledger.open_call)") is 1L);

        // The report may be older than no grace at all allows: a short one, and asked until it is over.
        var grace = TimeSpan.FromMilliseconds(500);
        List<Guid> swept = [];
        await LedgerHost.WaitAsync(async () =>
        {
            swept.AddRange(await host.Sweep.SweepAsync(grace, Cancellation));
            return swept.Count > 0;
        });

        Assert.Equal([forgotten.Id], swept);
        Assert.Equal(running.Id, await host.ScalarAsync("SELECT id FROM ledger.open_call"));
    }

    [Fact]
    public async Task a_call_whose_settle_is_in_the_inbox_is_left_to_it()
    {
        await using var host = await NewHostAsync();
        var call = await OpenElsewhereAsync(host);
        await host.Writer.WriteAsync(call.Settle(), Cancellation);

        Assert.Equal([], await host.Sweep.SweepAsync(NoGrace, Cancellation));
    }

    [Fact]
    public async Task nothing_is_given_up_before_postgresql_is_up_for_the_grace()
    {
        await using var host = await NewHostAsync();
        await OpenElsewhereAsync(host);
        await using (var age = host.Source.CreateCommand("UPDATE ledger.open_call SET opened_at = now() - interval '1 day'"))
        {
            await age.ExecuteNonQueryAsync(Cancellation);
        }

        // The server of the tests is younger than this, and the call is older.
        Assert.Equal([], await host.Sweep.SweepAsync(TimeSpan.FromHours(23), Cancellation));
        Assert.Single(await host.Sweep.SweepAsync(NoGrace, Cancellation));
    }

    [Fact]
    public async Task the_call_of_an_event_that_was_rejected_becomes_an_interrupted_row()
    {
        await using var host = await NewHostAsync();
        var call = await OpenElsewhereAsync(host);
        await host.Writer.WriteAsync(call.Settle() with { PromptTokens = -1 }, Cancellation);
        Assert.Equal(1, Assert.Single(await host.IngestAllAsync()).Rejected);

        await host.Sweep.SweepAsync(NoGrace, Cancellation);

        Assert.Equal(UsageOutcome.Interrupted, Assert.Single(await host.RowsAsync()).Outcome);
        Assert.Equal("ck_llm_usage_not_negative", await host.ScalarAsync("SELECT substring(reason FROM 'ck_[a-z_]*') FROM ledger.usage_rejected"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_call_of_a_month_without_a_partition_gets_one()
    {
        await using var host = await NewHostAsync();
        await OpenElsewhereAsync(host, new DateTimeOffset(2024, 2, 29, 23, 59, 59, TimeSpan.Zero));

        Assert.Single(await host.Sweep.SweepAsync(NoGrace, Cancellation));

        Assert.Equal(1L, await host.ScalarAsync("SELECT count(*) FROM ledger.llm_usage_2024_02"));
    }

    [Fact]
    public async Task sweepers_side_by_side_make_one_row_of_each_call()
    {
        await using var host = await NewHostAsync();
        var calls = new List<Guid>();
        for (var i = 0; i < 50; i++)
        {
            calls.Add((await OpenElsewhereAsync(host)).Id);
        }

        var swept = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => host.Sweep.SweepAsync(NoGrace, Cancellation)));

        Assert.Equal(calls.Order(), swept.SelectMany(ids => ids).Order());
        Assert.Equal(50, (await host.RowsAsync()).Count);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    private async Task<LedgerHost> NewHostAsync(params (string, string)[] settings) =>
        await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), [("Usage:LivenessInterval", "01:00:00"), .. settings]);

    /// <summary>Opens a call as a process does that never reported.</summary>
    private static async Task<OpenCall> OpenElsewhereAsync(LedgerHost host, DateTimeOffset? at = null)
    {
        var call = Calls.Open(Guid.CreateVersion7(at ?? DateTimeOffset.UtcNow));
        await new OpenCallTable(host.Source, new RunningCalls()).InsertAsync([call], Cancellation);
        return call;
    }

    private static async Task WaitersAsync(LedgerHost host, long count) => await LedgerHost.WaitAsync(async () => await host.ScalarAsync(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") is long waiters && waiters >= count);
}
