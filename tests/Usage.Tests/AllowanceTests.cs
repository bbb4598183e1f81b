using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests;

/// <summary>An organisation's limit for a month. Each call reserves 1,100 tokens.</summary>
public class AllowanceTests(PostgresFixture postgres)
{
    private const long Reserve = 1100;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task of_200_calls_at_once_in_two_processes_as_many_are_opened_as_fit_and_afterwards_nothing_is_reserved()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var one = await LedgerHost.ReadyAsync(database);
        await using var other = await LedgerHost.ReadyAsync(database);
        var org = Guid.NewGuid();
        OpenCall[] calls = [.. Enumerable.Range(0, 200).Select(_ => Calls.Open(org: org, limit: 50 * Reserve + Reserve - 1))];

        var refusals = await Task.WhenAll(calls.Select((call, i) => TryOpenAsync(i % 2 == 0 ? one : other, call)));

        Assert.Equal(50, refusals.Count(refusal => refusal is null));
        Assert.Equal(50L, await one.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(50 * Reserve, await one.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
        Assert.All(refusals.OfType<AllowanceExceededException>(), refusal =>
        {
            Assert.Equal((50 * Reserve + Reserve - 1, 0L, 50 * Reserve, Reserve), (refusal.Limit, refusal.Used, refusal.Reserved, refusal.Need));
        });
        Assert.Equal(50, one.Running.Count + other.Running.Count);

        foreach (var (call, refusal, host) in calls.Select((call, i) => (call, refusals[i], i % 2 == 0 ? one : other)).Where(each => each.Item2 is null))
        {
            await host.Writer.WriteAsync(call.Settle(), Cancellation);
        }

        await one.IngestAllAsync();
        Assert.Equal(0L, await one.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(0L, await one.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
        Assert.Equal(50L * 46, await one.ScalarAsync("SELECT used_tokens FROM ledger.allowance"));
        Assert.Equal([], await one.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task opens_and_settles_side_by_side_never_go_beyond_the_limit()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var one = await LedgerHost.ReadyAsync(database);
        await using var other = await LedgerHost.ReadyAsync(database);
        var org = Guid.NewGuid();
        const long Limit = 20 * Reserve;
        // PostgreSQL itself would say so, in the statement that does it.
        await one.ScalarAsync($"ALTER TABLE ledger.allowance ADD CHECK (used_tokens + reserved_tokens <= {Limit})");

        var opened = 0;
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async person =>
        {
            var host = person % 2 == 0 ? one : other;
            for (var i = 0; i < 20; i++)
            {
                var call = Calls.Open(org: org, limit: Limit);
                if (await TryOpenAsync(host, call) is null)
                {
                    Interlocked.Increment(ref opened);
                    await host.Writer.WriteAsync(call.Settle(), Cancellation);
                    await host.IngestAllAsync();
                }
            }
        }));
        await one.IngestAllAsync();

        Assert.InRange(opened, 20, (Limit - Reserve) / 46 + 1);
        Assert.Equal(0L, await one.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
        Assert.Equal(opened * 46L, await one.ScalarAsync("SELECT used_tokens FROM ledger.allowance"));
        Assert.Equal([], await one.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task nobody_in_a_batch_is_refused_because_of_a_neighbour_that_was_refused()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var org = Guid.NewGuid();
        const long Limit = 3 * Reserve;
        OpenCall[] calls =
        [
            Calls.Open(org: org, limit: Limit),
            Calls.Open(org: org, limit: Limit) with { ReservedPromptTokens = 10_000 },
            Calls.Open(org: org, limit: Limit),
            Calls.Open(org: org, limit: Limit),
            Calls.Open(org: org, limit: Limit),
            Calls.Open(limit: Limit),
            Calls.Open(),
        ];

        var refused = await new OpenCallTable(host.Source, new RunningCalls()).InsertAsync(calls, Cancellation);

        Assert.Equal([calls[1].Id, calls[4].Id], refused.Keys.Order(Comparer<Guid>.Create((one, two) => Array.FindIndex(calls, call => call.Id == one) - Array.FindIndex(calls, call => call.Id == two))));
        Assert.Equal(11_000, refused[calls[1].Id].Need);
        Assert.Equal(3 * Reserve, refused[calls[4].Id].Reserved);
        Assert.Equal(5L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(3 * Reserve, await host.ScalarAsync($"SELECT reserved_tokens FROM ledger.allowance WHERE org_id = '{org}'"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task the_last_token_may_be_reserved_and_not_one_more()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var org = Guid.NewGuid();

        Assert.Null(await TryOpenAsync(host, Calls.Open(org: org, limit: Reserve)));
        Assert.NotNull(await TryOpenAsync(host, Calls.Open(org: org, limit: 2 * Reserve - 1)));
        Assert.Null(await TryOpenAsync(host, Calls.Open(org: org, limit: 2 * Reserve)));
        Assert.Null(await TryOpenAsync(host, Calls.Open(org: org)));
        var refusal = await TryOpenAsync(host, Calls.Open(limit: Reserve - 1));

        Assert.Equal((Reserve - 1, 0L, 0L, Reserve), (refusal!.Limit, refusal.Used, refusal.Reserved, refusal.Need));
        Assert.Equal(3 * Reserve, await host.ScalarAsync("SELECT sum(reserved_tokens)::bigint FROM ledger.allowance"));
        Assert.Equal(3, host.Running.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task a_call_belongs_to_the_month_of_its_id_in_utc(int calls)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var org = Guid.NewGuid();
        var limit = calls * Reserve;
        var midnight = new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
        OpenCall[] Month(DateTimeOffset at) => [.. Enumerable.Range(0, calls).Select(_ => Calls.Open(Guid.CreateVersion7(at), org: org, limit: limit))];
        var table = new OpenCallTable(host.Source, new RunningCalls());

        Assert.Empty(await table.InsertAsync(Month(midnight.AddMilliseconds(-1)), Cancellation));
        Assert.Empty(await table.InsertAsync(Month(midnight), Cancellation));
        var late = await table.InsertAsync(Month(midnight.AddMilliseconds(-1)), Cancellation);

        Assert.Equal(calls, late.Count);
        Assert.All(late.Values, refusal => Assert.Equal(new DateOnly(2026, 2, 1), refusal.Month));
        Assert.Equal("2026-02-01 2026-03-01", await host.ScalarAsync("SELECT string_agg(month::text, ' ' ORDER BY month) FROM ledger.allowance"));
        Assert.Equal(limit, await host.ScalarAsync("SELECT min(reserved_tokens) FROM ledger.allowance"));
    }

    [Fact]
    public async Task a_call_that_is_there_already_reserves_nothing_and_is_not_refused()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var call = Calls.Open(limit: Reserve);
        var table = new OpenCallTable(host.Source, new RunningCalls());

        Assert.Empty(await table.InsertAsync([call, call], Cancellation));
        Assert.Empty(await table.InsertAsync([call], Cancellation));
        var refused = await table.InsertAsync([call, Calls.Open(org: call.OrgId, limit: Reserve)], Cancellation);

        Assert.Single(refused);
        Assert.DoesNotContain(call.Id, refused.Keys);
        Assert.Equal(Reserve, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public async Task the_same_calls_opened_by_two_at_once_reserve_once(int calls)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var org = Guid.NewGuid();
        var table = new OpenCallTable(host.Source, new RunningCalls());
        for (var round = 1; round <= 20; round++)
        {
            OpenCall[] batch = [.. Enumerable.Range(0, calls).Select(_ => Calls.Open(org: org, limit: 20 * calls * Reserve))];

            var refused = await Task.WhenAll(table.InsertAsync(batch, Cancellation), table.InsertAsync(batch, Cancellation));

            Assert.All(refused, Assert.Empty);
            Assert.Equal(round * calls * Reserve, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task the_first_calls_of_a_month_at_once_do_not_go_beyond_the_limit(int calls)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var table = new OpenCallTable(host.Source, new RunningCalls());
        for (var round = 0; round < 20; round++)
        {
            var org = Guid.NewGuid();

            var refused = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => table.InsertAsync(
                [.. Enumerable.Range(0, calls).Select(_ => Calls.Open(org: org, limit: calls * 2 * Reserve))], Cancellation)));

            Assert.Equal(calls * 2, refused.Sum(batch => batch.Count));
            Assert.Equal(calls * 2 * Reserve, await host.ScalarAsync($"SELECT reserved_tokens FROM ledger.allowance WHERE org_id = '{org}'"));
        }
    }

    [Fact]
    public async Task while_postgresql_is_away_a_plan_ends_where_it_would_and_who_was_refused_before_is_not_admitted()
    {
        await using var own = new PostgresFixture();
        var server = await own.GetServerAsync();
        await using var host = await LedgerHost.ReadyAsync(await own.CreateDatabaseAsync(), ("Usage:PostgresPatience", "00:00:01"));
        var known = Calls.Open(limit: 2 * Reserve);
        await host.Opener.OpenAsync(known, Cancellation);
        var refused = Calls.Open(org: known.OrgId, limit: Reserve);
        Assert.NotNull(await TryOpenAsync(host, refused));
        await server.StopAsync(PostgresStopMode.Immediate);

        await host.Opener.OpenAsync(Calls.Open(user: known.UserId, org: known.OrgId, limit: 2 * Reserve), Cancellation);
        var beyond = await TryOpenAsync(host, Calls.Open(user: known.UserId, org: known.OrgId, limit: 2 * Reserve));
        Assert.Equal((0L, 2 * Reserve, Reserve), (beyond?.Used, beyond?.Reserved, beyond?.Need));
        await Assert.ThrowsAsync<LedgerUnavailableException>(
            () => host.Opener.OpenAsync(Calls.Open(user: refused.UserId, org: known.OrgId, limit: Reserve), Cancellation));
        await server.RestartAsync(PostgresStopMode.Immediate, Cancellation);
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && !host.Postgres.IsAway));

        Assert.Equal(2 * Reserve, await host.ScalarAsync("SELECT reserved_tokens FROM ledger.allowance"));
    }

    private static async Task<AllowanceExceededException?> TryOpenAsync(LedgerHost host, OpenCall call)
    {
        try
        {
            await host.Opener.OpenAsync(call, Cancellation);
            return null;
        }
        catch (AllowanceExceededException exceeded)
        {
            return exceeded;
        }
    }
}
