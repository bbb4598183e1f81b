using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests;

/// <summary>What ingestion makes of events of the same call, and of the sums.</summary>
public class BookingTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task an_interruption_and_a_settle_in_one_batch_are_the_settle_whichever_came_first()
    {
        await using var host = await NewHostAsync();
        OpenCall first = Calls.Open(), second = Calls.Open();
        foreach (var usageEvent in new[] { first.Interrupt(), first.Settle(), second.Settle(), second.Interrupt() })
        {
            await host.Writer.WriteAsync(usageEvent, Cancellation);
        }

        var batch = Assert.Single(await host.IngestAllAsync());

        Assert.Equal((2, 0, 2), (batch.Events.Count, batch.Replaced, batch.Repeated));
        Assert.All(await host.RowsAsync(), row => Assert.Equal((UsageOutcome.Completed, null), (row.Outcome, row.ReplacedAt)));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_settle_replaces_an_interruption_and_no_interruption_replaces_a_settle()
    {
        await using var host = await NewHostAsync();
        var call = Calls.Open();
        List<(int, int, int)> batches = [];
        foreach (var usageEvent in new[] { call.Interrupt(), call.Interrupt(), call.Settle(), call.Interrupt(), call.Settle() })
        {
            await host.Writer.WriteAsync(usageEvent, Cancellation);
            var batch = Assert.Single(await host.IngestAllAsync());
            batches.Add((batch.Events.Count, batch.Replaced, batch.Repeated));
            Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        }

        Assert.Equal([(1, 0, 0), (0, 0, 1), (1, 1, 0), (0, 0, 1), (0, 0, 1)], batches);
        var row = Assert.Single(await host.RowsAsync());
        Assert.Equal((UsageOutcome.Completed, 12L, 34L, "openai"), (row.Outcome, row.PromptTokens, row.CompletionTokens, row.Provider));
        Assert.Equal("1 12 34", await host.ScalarAsync(
            "SELECT sum(calls) || ' ' || sum(prompt_tokens) || ' ' || sum(completion_tokens) FROM ledger.usage_rollup_user"));
    }

    [Fact]
    public async Task an_interruption_that_claims_tokens_is_rejected()
    {
        await using var host = await NewHostAsync();
        await host.Writer.WriteAsync(Calls.Open().Interrupt() with { CompletionTokens = 1 }, Cancellation);

        Assert.Equal(1, Assert.Single(await host.IngestAllAsync()).Rejected);

        Assert.Equal("ck_llm_usage_interrupted", await host.ScalarAsync("SELECT substring(reason FROM 'ck_[a-z_]*') FROM ledger.usage_rejected"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task reserve_and_tokens_belong_to_the_month_and_hour_of_the_id()
    {
        await using var host = await NewHostAsync();
        var call = Calls.Open(Guid.CreateVersion7(new DateTimeOffset(2024, 2, 29, 23, 59, 59, TimeSpan.Zero)));
        await new OpenCallTable(host.Source, new RunningCalls()).InsertAsync([call], Cancellation);
        const string Allowances = "SELECT string_agg(month || ' ' || used_tokens || ' ' || reserved_tokens, ', ') FROM ledger.allowance";
        Assert.Equal("2024-02-01 0 1100", await host.ScalarAsync(Allowances));

        await host.Writer.WriteAsync(call.Settle(), Cancellation);
        await host.IngestAllAsync();

        Assert.Equal("2024-02-01 46 0", await host.ScalarAsync(Allowances));
        Assert.Equal(new DateTime(2024, 2, 29, 23, 0, 0, DateTimeKind.Utc), await host.ScalarAsync("SELECT hour FROM ledger.usage_rollup_org"));
    }

    [Fact]
    public async Task a_batch_says_what_its_rows_used()
    {
        await using var host = await NewHostAsync();
        var usageEvent = Events.Full();
        await host.Writer.WriteAsync(usageEvent, Cancellation);

        var row = Assert.Single(Assert.Single(await host.IngestAllAsync()).Events);

        Assert.Equal(
            (usageEvent.Id, "claude-default", new TokenCounts(1000, 999_999_999_999, 100, 101, 102, 103, 0)), (row.Id, row.ModelAlias, row.Tokens));
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
