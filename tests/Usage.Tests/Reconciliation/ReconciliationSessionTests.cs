using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests.Reconciliation;

public class ReconciliationSessionTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 10, 30, 0, TimeSpan.Zero);

    private static readonly TimeSpan Delay = TimeSpan.FromHours(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task one_works_at_a_time_and_the_next_when_it_has_ended()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var reconciler = new Reconciler(host.Source);

        await using (var first = await reconciler.TryBeginAsync(Cancellation))
        {
            Assert.NotNull(first);
            Assert.Null(await reconciler.TryBeginAsync(Cancellation));
        }

        await using var second = await reconciler.TryBeginAsync(Cancellation);
        Assert.NotNull(second);
    }

    [Fact]
    public async Task days_are_due_from_the_first_call_on_up_to_the_delay()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        Assert.Empty(await DueAsync(host, Now));

        await KnowAsync(host, Now.AddDays(-2));

        Assert.Equal(["18 24:00", "19 24:00", "20 09:30"], await DueAsync(host, Now));
        // The running day is not an hour old.
        Assert.Equal(["18 24:00", "19 24:00"], await DueAsync(host, new DateTimeOffset(2026, 11, 20, 1, 0, 0, TimeSpan.Zero)));
        Assert.Equal(["19 24:00", "20 09:30"], await DueAsync(host, Now, daysBack: 1));
    }

    [Fact]
    public async Task a_day_that_was_compared_is_due_when_it_goes_on_ends_or_changes_or_a_day_after_it_differed()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var known = await KnowAsync(host, Now.AddDays(-1));
        await CompareAsync(host, Now, new GatewayLog("1", known.Id.ToString(), null, null, 12, 34, 0, known.CreatedAt));

        Assert.Empty(await DueAsync(host, Now.AddMinutes(59)));
        Assert.Equal(["20 10:30"], await DueAsync(host, Now.AddHours(1)));
        Assert.Equal(["20 23:59"], await DueAsync(host, new DateTimeOffset(2026, 11, 21, 0, 59, 0, TimeSpan.Zero)));
        Assert.Equal(["20 24:00"], await DueAsync(host, new DateTimeOffset(2026, 11, 21, 1, 0, 0, TimeSpan.Zero)));

        // A row that came late, without a log.
        await KnowAsync(host, Now.AddDays(-1).AddHours(1));
        Assert.Equal(["19 24:00"], await DueAsync(host, Now.AddMinutes(1)));
        await CompareAsync(host, Now.AddMinutes(1), new GatewayLog("1", known.Id.ToString(), null, null, 12, 34, 0, known.CreatedAt));
        Assert.Empty(await DueAsync(host, Now.AddMinutes(2)));

        // It differs now: perhaps the log comes late.
        Assert.Contains("19 24:00", await DueAsync(host, Now.AddMinutes(1).AddDays(1)));
    }

    [Fact]
    public async Task days_whose_rows_were_dropped_are_left_as_they_are()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        await KnowAsync(host, Now.AddDays(-2));
        await host.ScalarAsync("INSERT INTO ledger.usage_retention (id, dropped_before) VALUES (true, '2026-11-19 00:00+00')");

        Assert.Equal(["19 24:00", "20 09:30"], await DueAsync(host, Now));
    }

    [Fact]
    public async Task a_provisional_row_that_is_replaced_has_its_day_compared_again()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        // Ingestion makes the month.
        await KnowAsync(host, Now.AddDays(-10));
        var call = Events.Plain(Guid.CreateVersion7(Now.AddDays(-1)));
        await host.ScalarAsync($"""
            INSERT INTO ledger.llm_usage (id, created_at, request_id, user_id, org_id, operation, model_alias, prompt_tokens, completion_tokens, source, outcome, duration_ms)
            SELECT '{call.Id}', ledger.uuid_v7_time('{call.Id}'), '{call.RequestId}', '{call.UserId}', '{call.OrgId}', 'chat', 'chat-default', 0, 0, 'none', 'interrupted', 5
            """);
        var log = new GatewayLog("1", call.Id.ToString(), "openai", "m", 12, 34, 0, call.CreatedAt);
        Assert.Equal(1m, (await CompareAsync(host, Now, log)).Single(model => model.DifferingTokens > 0).Share);

        await host.PutAsync([call]);
        await host.IngestAllAsync();

        Assert.Equal(["19 24:00"], await DueAsync(host, Now));
        Assert.All(await CompareAsync(host, Now, log), model => Assert.Equal((0, true), (model.DifferingTokens, model.IsNew)));
    }

    private static async Task<UsageEvent> KnowAsync(LedgerHost host, DateTimeOffset at)
    {
        var call = Events.Plain(Guid.CreateVersion7(at));
        await host.PutAsync([call]);
        await host.IngestAllAsync();
        return call;
    }

    /// <summary>Compares what is due.</summary>
    private static async Task<List<ComparedModel>> CompareAsync(LedgerHost host, DateTimeOffset now, params GatewayLog[] logs)
    {
        await using var session = await new Reconciler(host.Source).TryBeginAsync(Cancellation);
        List<ComparedModel> models = [];
        foreach (var day in await session!.ReadDueAsync(now, Delay, 7, TimeSpan.FromHours(1), Cancellation))
        {
            await session.BeginDayAsync(Cancellation);
            await session.AddAsync(logs, Cancellation);
            models.AddRange(await session.CompareAsync(day, now, 10, Cancellation));
        }

        return models;
    }

    private static async Task<IEnumerable<string>> DueAsync(LedgerHost host, DateTimeOffset now, int daysBack = 7)
    {
        await using var session = await new Reconciler(host.Source).TryBeginAsync(Cancellation);
        return (await session!.ReadDueAsync(now, Delay, daysBack, TimeSpan.FromHours(1), Cancellation))
            .Select(due => $"{due.Day.Day} {(int)(due.Until - due.From).TotalHours:00}:{(due.Until - due.From).Minutes:00}").ToList();
    }
}
