using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using LlmAspire.Usage.Tests.Prices;
using LlmAspire.Usage.Tests.Reports;

namespace LlmAspire.Usage.Tests;

/// <summary>A call that two providers served, one after the other: each part is a row of its own, and only the first one has an open call.</summary>
public class CallPartsTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void a_further_part_has_an_id_of_its_own_with_the_time_of_the_call()
    {
        var first = Events.Plain(Guid.CreateVersion7(new DateTimeOffset(2026, 11, 30, 23, 59, 59, 999, TimeSpan.Zero)));

        var (one, other) = (first.NewPartId(), first.NewPartId());

        Assert.Equal(3, new HashSet<Guid> { first.Id, one, other }.Count);
        Assert.Equal(first.CreatedAt, (first with { Id = one }).CreatedAt);
    }

    [Theory]
    [InlineData("open first second")]
    [InlineData("open second first")]
    [InlineData("open second second first first second")]
    [InlineData("open second ingest first ingest second first ingest")]
    [InlineData("open first ingest first second ingest second ingest")]
    [InlineData("open interrupt ingest second ingest first")]
    [InlineData("open second first interrupt ingest first second")]
    public async Task each_part_is_one_row_and_is_booked_once_whatever_the_order(string steps)
    {
        await using var host = await NewHostAsync();
        var call = Calls.Open();
        var (first, second) = Parts(call);
        foreach (var step in steps.Split(' '))
        {
            await (step switch
            {
                "open" => host.Opener.OpenAsync(call, Cancellation),
                "first" => host.Writer.WriteAsync(first, Cancellation),
                "second" => host.Writer.WriteAsync(second, Cancellation),
                "interrupt" => host.Writer.WriteAsync(call.Interrupt(), Cancellation),
                _ => host.IngestAllAsync(),
            });
        }

        await host.IngestAllAsync();

        Assert.Equal(
            [(first.Id, "openai", 100L, 5L), (second.Id, "anthropic", 105L, 20L)],
            (await host.RowsAsync()).OrderBy(row => row.PromptTokens).Select(row => (row.Id, row.Provider, row.PromptTokens, row.CompletionTokens)));
        Assert.Equal("230 0", await host.ScalarAsync("SELECT used_tokens || ' ' || reserved_tokens FROM ledger.allowance"));
        Assert.Equal("anthropic 1 125, openai 1 105", await host.ScalarAsync("""
            SELECT string_agg(provider || ' ' || calls || ' ' || prompt_tokens + completion_tokens, ', ' ORDER BY provider)
            FROM ledger.usage_rollup_user WHERE calls > 0
            """));
        Assert.Equal((0L, 0L, 0L), (await CountAsync(host, "open_call"), await CountAsync(host, "usage_inbox"), await CountAsync(host, "usage_rejected")));
        Assert.Empty(host.Running.Ids());
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        await host.Sums.RebuildAsync(Cancellation);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task workers_side_by_side_that_get_the_parts_again_and_again_write_each_once()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        var hosts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => LedgerHost.ReadyAsync(connectionString)));
        var org = Guid.NewGuid();
        OpenCall[] calls = [.. Enumerable.Range(0, 100).Select(_ => Calls.Open(org: org))];
        await Task.WhenAll(calls.Select(call => hosts[0].Opener.OpenAsync(call, Cancellation)));
        UsageEvent[] events = [.. calls.Select(Parts).SelectMany(parts => new[] { parts.First, parts.Second })];
        await Task.WhenAll(events.Concat(events).Concat(events).Select((part, number) => hosts[number % 3].Writer.WriteAsync(part, Cancellation)));

        await Task.WhenAll(hosts.Select(host => host.IngestAllAsync(limit: 7)));

        Assert.Equal(events.Select(part => part.Id).Order(), (await hosts[0].RowsAsync()).Select(row => row.Id).Order());
        Assert.Equal("23000 0", await hosts[0].ScalarAsync("SELECT used_tokens || ' ' || reserved_tokens FROM ledger.allowance"));
        Assert.Equal([], await hosts[0].Sums.VerifyAsync(Cancellation));
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task the_sweeper_gives_up_the_call_and_not_the_part_that_is_a_row_already()
    {
        await using var host = await NewHostAsync();
        var call = Calls.Open();
        var (first, second) = Parts(call);
        await new OpenCallTable(host.Source, new RunningCalls()).InsertAsync([call], Cancellation);
        await host.ScalarAsync("UPDATE ledger.open_call SET opened_at = now() - interval '1 hour'");
        await host.Writer.WriteAsync(second, Cancellation);
        await host.IngestAllAsync();

        Assert.Equal([call.Id], await host.Sweep.SweepAsync(TimeSpan.Zero, Cancellation));
        Assert.Empty(await host.Sweep.SweepAsync(TimeSpan.Zero, Cancellation));
        await host.Writer.WriteAsync(second, Cancellation);
        await host.Writer.WriteAsync(first, Cancellation);
        await host.IngestAllAsync();

        Assert.Equal(
            [(first.Id, UsageOutcome.Failed, true), (second.Id, UsageOutcome.Completed, false)],
            (await host.RowsAsync()).OrderBy(row => row.PromptTokens).Select(row => (row.Id, row.Outcome, row.ReplacedAt is not null)));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task parts_of_an_outage_are_in_the_ledger_after_it()
    {
        await using var own = PostgresFixture.CreateDurable();
        var server = await own.GetServerAsync();
        await using var host = await LedgerHost.ReadyAsync(await own.CreateDatabaseAsync(), ("Usage:PostgresPatience", "00:00:01"));
        var call = Calls.Open();
        var (first, second) = Parts(call);
        await host.Opener.OpenAsync(call, Cancellation);

        await server.StopAsync(PostgresStopMode.Immediate);
        await host.Writer.WriteAsync(second, Cancellation);
        await host.Writer.WriteAsync(first, Cancellation);
        await host.Writer.WriteAsync(second, Cancellation);
        Assert.Equal([call.Id], host.Running.Ids());
        await server.RestartAsync(PostgresStopMode.Immediate, Cancellation);
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && !host.Postgres.IsAway));
        await host.IngestAllAsync();

        Assert.Equal(new[] { first.Id, second.Id }.Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
        Assert.Empty(host.Running.Ids());
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task parts_in_the_spool_of_a_process_that_is_gone_are_rows_and_the_call_is_interrupted_when_its_own_is_missing()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        var path = Path.Combine(folder, "gone.spool");
        OpenCall[] calls = [Calls.Open(), Calls.Open()];
        var ((first, second), (_, alone)) = (Parts(calls[0]), Parts(calls[1]));
        using (var gone = SpoolDatabase.Open(path, 1 << 30))
        {
            Assert.Equal(2, gone.Append([.. calls.Select(SpoolEntry.Of)]));
            Assert.Equal(2, gone.Append([.. new[] { second, first, second, alone }.Select(SpoolEntry.Of)]));
        }

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(path)));
        await host.IngestAllAsync();

        Assert.Equal(
            new[] { (first.Id, UsageOutcome.Failed), (second.Id, UsageOutcome.Completed), (calls[1].Id, UsageOutcome.Interrupted), (alone.Id, UsageOutcome.Completed) }
                .OrderBy(row => row.Item1),
            (await host.RowsAsync()).Select(row => (row.Id, row.Outcome)).OrderBy(row => row.Id));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task reports_lists_and_stories_have_both_parts_each_with_its_own_price()
    {
        await using var host = await NewHostAsync();
        var book = new PriceBook();
        await book.SaveAsync(host.Source, "manual",
        [
            new("openai", "gpt-4o-mini", "input", RandomUsage.Start, 1m), new("openai", "gpt-4o-mini", "output", RandomUsage.Start, 2m),
            new("anthropic", "claude-sonnet", "input", RandomUsage.Start, 10m), new("anthropic", "claude-sonnet", "output", RandomUsage.Start, 20m),
        ]);
        var call = Calls.Open();
        var (first, second) = Parts(call);
        await host.PutAsync([first, second, second]);
        await host.IngestAllAsync();
        var query = ReportedUsage.Query() with { From = first.CreatedAt.AddHours(-1), To = first.CreatedAt.AddHours(1), Filter = new ReportFilter { RequestId = call.RequestId } };

        var listed = await host.Calls.ListAsync(query, null, 1, Cancellation);
        var more = await host.Calls.ListAsync(query, listed.Next, 1, Cancellation);
        var story = await host.Calls.FindAsync(first.Id, new ReportFilter(), null, Cancellation);

        Assert.Equal(
            [(first.Id, 0.00011m), (second.Id, 0.00145m)],
            listed.Calls.Concat(more.Calls).OrderBy(one => one.CostUsd).Select(one => (one.Id, one.CostUsd!.Value)));
        Assert.Null(more.Next);
        Assert.Equal([second.Id], story!.SameRequest.Select(one => one.Id));
    }

    private static Task<long> CountAsync(LedgerHost host, string table) => CountAsync(host.ScalarAsync($"SELECT count(*) FROM ledger.{table}"));

    private static async Task<long> CountAsync(Task<object?> count) => (long)(await count)!;

    private static (UsageEvent First, UsageEvent Second) Parts(OpenCall call)
    {
        var first = call.Settle() with
        {
            PromptTokens = 100,
            CompletionTokens = 5,
            Source = UsageSource.Estimated,
            Outcome = UsageOutcome.Failed,
            GatewayCallId = call.Id.ToString(),
        };
        return (first, first with
        {
            Id = first.NewPartId(),
            Provider = "anthropic",
            ServedModel = "claude-sonnet",
            PromptTokens = 105,
            CompletionTokens = 20,
            Source = UsageSource.Provider,
            Outcome = UsageOutcome.Completed,
        });
    }

    private async Task<LedgerHost> NewHostAsync() => await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
}
