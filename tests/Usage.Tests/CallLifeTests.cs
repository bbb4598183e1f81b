using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests;

/// <summary>What can happen to calls, in any order and at the same time: the ledger has one row of each, and the sums are the rows' sums.</summary>
public class CallLifeTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task whatever_happens_to_calls_in_whatever_order_each_has_one_row_and_the_sums_are_right(int seed)
    {
        var random = new Random(seed);
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Usage:LivenessInterval", "01:00:00"));
        // Few organisations and users, two months: the workers meet at the same sums.
        Guid[] orgs = [Guid.NewGuid(), Guid.NewGuid()];
        Guid[] users = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];
        DateTimeOffset[] times = [DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddMonths(-1)];
        var lives = Enumerable.Range(0, 150).Select(_ => new Life(
            Calls.Open(Guid.CreateVersion7(random.Pick(times)), random.Pick(users), random.Pick(orgs)),
            Opened: random.Next(4) > 0, Settles: random.Next(3), Interruptions: random.Next(2))).Where(life => life.Leaves).ToArray();
        var table = new OpenCallTable(host.Source, new RunningCalls());
        Func<Task>[] steps = [.. lives.SelectMany(life => Steps(life, table, host.Writer))];
        random.Shuffle(steps);

        using var done = new CancellationTokenSource();
        Task[] workers =
        [
            .. Enumerable.Range(0, 3).Select(worker => RepeatAsync(() => host.Ingestion.IngestAsync(3 + worker, Cancellation), done.Token)),
            .. Enumerable.Range(0, 2).Select(_ => RepeatAsync(() => host.Sweep.SweepAsync(TimeSpan.Zero, Cancellation), done.Token)),
            // In the middle of all this too.
            RepeatAsync(async () => Assert.Equal([], await host.Sums.VerifyAsync(Cancellation)), done.Token),
        ];
        await Parallel.ForEachAsync(steps, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancellation }, async (step, _) => await step());
        await done.CancelAsync();
        await Task.WhenAll(workers);
        await host.IngestAllAsync();
        await host.Sweep.SweepAsync(TimeSpan.Zero, Cancellation);

        var rows = await host.RowsAsync();
        Assert.Equal(lives.Select(life => (life.Call.Id, life.Outcome)).OrderBy(one => one.Id), rows.Select(row => (row.Id, row.Outcome)).OrderBy(one => one.Id));
        Assert.All(rows, row => Assert.Equal(
            row.Outcome == UsageOutcome.Completed ? (UsageSource.Provider, 12L, 34L) : (UsageSource.None, 0L, 0L),
            (row.Source, row.PromptTokens, row.CompletionTokens)));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        Assert.Equal((long)lives.Length, await host.ScalarAsync("SELECT sum(calls)::bigint FROM ledger.usage_rollup_user"));
        Assert.Equal(46L * lives.Count(life => life.Settles > 0), await host.ScalarAsync("SELECT sum(used_tokens)::bigint FROM ledger.allowance"));
        Assert.Equal(0L, await host.ScalarAsync("SELECT sum(abs(reserved_tokens))::bigint FROM ledger.allowance"));
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.open_call"));
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.usage_rejected"));
    }

    [Fact]
    public async Task rebuilds_in_the_middle_of_opens_settles_and_sweeps_lose_nothing()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Usage:LivenessInterval", "01:00:00"));
        var (user, org) = (Guid.NewGuid(), Guid.NewGuid());
        var table = new OpenCallTable(host.Source, new RunningCalls());
        var rebuilt = 0;

        using var done = new CancellationTokenSource();
        Task[] workers =
        [
            .. Enumerable.Range(0, 2).Select(_ => RepeatAsync(() => host.Ingestion.IngestAsync(5, Cancellation), done.Token)),
            RepeatAsync(() => host.Sweep.SweepAsync(TimeSpan.Zero, Cancellation), done.Token),
            RepeatAsync(
                async () =>
                {
                    await host.Sums.RebuildAsync(Cancellation);
                    rebuilt++;
                },
                done.Token),
        ];
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancellation }, async (number, _) =>
        {
            var call = Calls.Open(user: user, org: org);
            await table.InsertAsync([call], Cancellation);
            if (number % 3 > 0)
            {
                await host.Writer.WriteAsync(call.Settle(), Cancellation);
            }
        });
        await LedgerHost.WaitAsync(() => Task.FromResult(rebuilt > 2));
        await done.CancelAsync();
        await Task.WhenAll(workers);

        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        await host.IngestAllAsync();
        await host.Sweep.SweepAsync(TimeSpan.Zero, Cancellation);
        Assert.Equal(400, (await host.RowsAsync()).Count);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    private static IEnumerable<Func<Task>> Steps(Life life, OpenCallTable table, UsageEventWriter writer)
    {
        if (life.Opened)
        {
            yield return () => table.InsertAsync([life.Call], Cancellation);
        }

        for (var i = 0; i < life.Settles; i++)
        {
            yield return () => writer.WriteAsync(life.Call.Settle(), Cancellation);
        }

        for (var i = 0; i < life.Interruptions; i++)
        {
            yield return () => writer.WriteAsync(life.Call.Interrupt(), Cancellation);
        }
    }

    private static async Task RepeatAsync(Func<Task> action, CancellationToken done)
    {
        do
        {
            await action();
        }
        while (!done.IsCancellationRequested);
    }

    private sealed record Life(OpenCall Call, bool Opened, int Settles, int Interruptions)
    {
        public bool Leaves => Opened || Settles + Interruptions > 0;

        public UsageOutcome Outcome => Settles > 0 ? UsageOutcome.Completed : UsageOutcome.Interrupted;
    }
}

file static class RandomExtensions
{
    public static T Pick<T>(this Random random, T[] choices) => choices[random.Next(choices.Length)];
}
