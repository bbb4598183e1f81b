using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests;

public class UsageSumsTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset LongAgo = new(2024, 2, 29, 23, 59, 59, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("UPDATE ledger.usage_rollup_org SET completion_tokens = completion_tokens + 1", "usage_rollup_org")]
    [InlineData("UPDATE ledger.usage_rollup_user SET calls = calls - 1", "usage_rollup_user")]
    [InlineData("UPDATE ledger.usage_rollup_user SET user_id = org_id", "usage_rollup_user usage_rollup_user")]
    [InlineData("DELETE FROM ledger.usage_rollup_org", "usage_rollup_org")]
    [InlineData("UPDATE ledger.allowance SET used_tokens = used_tokens - 1", "allowance")]
    [InlineData("UPDATE ledger.allowance SET reserved_tokens = 0", "allowance")]
    [InlineData("INSERT INTO ledger.allowance VALUES (gen_random_uuid(), '2026-01-01', 1, 0)", "allowance")]
    [InlineData("DELETE FROM ledger.llm_usage", "usage_rollup_org usage_rollup_user allowance")]
    [InlineData("DELETE FROM ledger.open_call", "allowance")]
    public async Task a_difference_is_found_and_mended(string damage, string tables)
    {
        await using var host = await NewHostAsync();
        var call = Calls.Open();
        await host.Writer.WriteAsync(call.Settle(), Cancellation);
        await host.IngestAllAsync();
        await OpenAsync(host, Calls.Open(org: call.OrgId));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));

        await host.ScalarAsync(damage);

        Assert.Equal(tables.Split(' '), (await host.Sums.VerifyAsync(Cancellation)).Select(difference => difference.Table));
        await host.Sums.RebuildAsync(Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_difference_says_what_stands_there_and_what_the_rows_add_up_to()
    {
        await using var host = await NewHostAsync();
        var settled = Calls.Open().Settle();
        await host.Writer.WriteAsync(settled, Cancellation);
        await host.IngestAllAsync();
        await host.ScalarAsync("UPDATE ledger.allowance SET used_tokens = 40");

        var difference = Assert.Single(await host.Sums.VerifyAsync(Cancellation));

        Assert.Equal(
            new SumDifference("allowance", $"({settled.OrgId},{settled.CreatedAt.UtcDateTime:yyyy-MM}-01)", "(40,0)", "(46,0)"), difference);
    }

    [Fact]
    public async Task dropped_months_keep_their_sums_and_are_neither_verified_nor_rebuilt()
    {
        await using var host = await NewHostAsync();
        OpenCall old = Calls.Open(Guid.CreateVersion7(LongAgo)), young = Calls.Open();
        await host.Writer.WriteAsync(old.Settle(), Cancellation);
        await host.Writer.WriteAsync(young.Settle(), Cancellation);
        await host.IngestAllAsync();
        await OpenAsync(host, Calls.Open(Guid.CreateVersion7(LongAgo)));

        Assert.Equal(["llm_usage_2024_02"], await host.Sums.DropMonthsAsync(new DateTimeOffset(2024, 3, 15, 0, 0, 0, TimeSpan.Zero), Cancellation));

        Assert.Equal(young.Id, Assert.Single(await host.RowsAsync()).Id);
        Assert.Equal(new DateTime(2024, 3, 1, 0, 0, 0, DateTimeKind.Utc), await host.ScalarAsync("SELECT dropped_before FROM ledger.usage_retention"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        await host.Sums.RebuildAsync(Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        Assert.Equal(2L, await host.ScalarAsync("SELECT sum(calls)::bigint FROM ledger.usage_rollup_org"));
        Assert.Equal(2L, await host.ScalarAsync("SELECT sum(calls)::bigint FROM ledger.usage_rollup_user"));
        Assert.Equal(92L, await host.ScalarAsync("SELECT sum(used_tokens)::bigint FROM ledger.allowance"));
        Assert.Equal([], await host.Sums.DropMonthsAsync(new DateTimeOffset(2024, 3, 15, 0, 0, 0, TimeSpan.Zero), Cancellation));
    }

    [Fact]
    public async Task allowances_are_made_right_while_calls_are_being_opened()
    {
        await using var host = await NewHostAsync();
        OpenCall[] calls = [Calls.Open(), Calls.Open(), Calls.Open()];
        await OpenAsync(host, calls[0]);
        await OpenAsync(host, calls[1]);
        await host.ScalarAsync($"UPDATE ledger.allowance SET reserved_tokens = 7, used_tokens = 5 WHERE org_id = '{calls[0].OrgId}'");
        await host.ScalarAsync($"DELETE FROM ledger.allowance WHERE org_id = '{calls[1].OrgId}'");
        // A call that is being opened, and is not through: nobody may have to wait for it, nor it for anybody.
        await using var connection = await host.Source.OpenConnectionAsync(Cancellation);
        await using var opening = await connection.BeginTransactionAsync(Cancellation);
        await using (var open = new NpgsqlCommand(
            $"""
            INSERT INTO ledger.allowance (org_id, month, used_tokens, reserved_tokens) SELECT '{calls[2].OrgId}', month, 0, 1100 FROM ledger.allowance LIMIT 1;
            INSERT INTO ledger.open_call (id, request_id, user_id, org_id, operation, model_alias, reserved_prompt_tokens, reserved_completion_tokens, instance_id)
            VALUES ('{calls[2].Id}', '{calls[2].RequestId}', '{calls[2].UserId}', '{calls[2].OrgId}', 'chat', 'chat-default', 100, 1000, '{Guid.NewGuid()}')
            """,
            connection))
        {
            await open.ExecuteNonQueryAsync(Cancellation);
        }

        await host.Sums.RebuildAsync(Cancellation);
        await opening.CommitAsync(Cancellation);

        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        Assert.Equal(3300L, await host.ScalarAsync("SELECT sum(reserved_tokens)::bigint FROM ledger.allowance"));
    }

    [Fact]
    public async Task a_month_that_somebody_reads_is_not_dropped_and_nobody_waits_for_long()
    {
        await using var host = await NewHostAsync();
        await host.Writer.WriteAsync(Calls.Open(Guid.CreateVersion7(LongAgo)).Settle(), Cancellation);
        await host.IngestAllAsync();
        await using var report = await host.Source.OpenConnectionAsync(Cancellation);
        await using var reading = await report.BeginTransactionAsync(Cancellation);
        await using var read = new NpgsqlCommand("SELECT count(*) FROM ledger.llm_usage", report);
        await read.ExecuteScalarAsync(Cancellation);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => host.Sums.DropMonthsAsync(DateTimeOffset.UtcNow.AddMonths(-1), Cancellation));
        Assert.Equal(PostgresErrorCodes.LockNotAvailable, refused.SqlState);
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.usage_retention"));

        await reading.RollbackAsync(Cancellation);
        Assert.Single(await host.Sums.DropMonthsAsync(DateTimeOffset.UtcNow.AddMonths(-1), Cancellation));
    }

    private static async Task OpenAsync(LedgerHost host, OpenCall call) =>
        Assert.Empty(await new OpenCallTable(host.Source, new RunningCalls()).InsertAsync([call], Cancellation));

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
