using System.Text.Json;
using LlmAspire.TestPostgres;

namespace LlmAspire.Usage.Tests;

/// <summary>Whatever text an event has, its row comes in, and it holds nobody up: by the inbox, by the spool, and by the spool of a process that is gone.</summary>
public class OddEventsTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Odd => OddEvents.Names;

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task an_odd_event_is_a_row_by_the_inbox(string kind)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var odd = OddEvents.Of(kind, Events.Plain());
        UsageEvent[] events = [Events.Full(), odd, Events.Full(), odd];

        var closed = await host.CloseInboxAsync();
        var first = host.Writer.WriteAsync(Events.Plain(), Cancellation);
        await host.WaitUntilAWriterWaitsAsync();
        var batch = events.Select(one => host.Writer.WriteAsync(one, Cancellation)).ToArray();
        await closed.DisposeAsync();
        await EndAsync([first, .. batch]);

        await CheckAsync(host, odd, rows: 4);
        Assert.Empty(host.Running.Ids());
    }

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task an_odd_event_is_a_row_by_the_spool(string kind)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Usage:PostgresPatience", "00:00:00.2"));
        var odd = OddEvents.Of(kind, Events.Plain());
        // A server that hangs: what is written meanwhile is spooled.
        var closed = await host.CloseInboxAsync();
        await EndAsync([.. new[] { Events.Full(), odd, Events.Full() }.Select(one => host.Writer.WriteAsync(one, Cancellation))]);
        Assert.Equal(3, host.Spool.Count);
        await closed.DisposeAsync();
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && !host.Postgres.IsAway));

        await CheckAsync(host, odd, rows: 3);
    }

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task an_odd_event_is_a_row_by_the_spool_of_a_process_that_is_gone(string kind)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        var path = Path.Combine(folder, "gone.spool");
        var call = Calls.Open();
        var odd = OddEvents.Of(kind, call.Settle());
        using (var gone = SpoolDatabase.Open(path, 1 << 30))
        {
            gone.Append([SpoolEntry.Of(Events.Full()), SpoolEntry.Of(call with { ModelAlias = odd.ModelAlias }), SpoolEntry.Of(odd), SpoolEntry.Of(Events.Full())]);
        }

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(path)));

        Assert.False(File.Exists($"{path}.broken"));
        await CheckAsync(host, odd, rows: 3);
    }

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task an_odd_call_is_given_up_and_settled_late(string kind)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var odd = OddEvents.Of(kind, Calls.Open().Settle());
        var call = Calls.Open(odd.Id, odd.UserId, odd.OrgId) with { ModelAlias = odd.ModelAlias, Traceparent = odd.Traceparent };
        await new OpenCallTable(host.Source, new RunningCalls()).InsertAsync([call], Cancellation);
        await host.ScalarAsync("UPDATE ledger.open_call SET opened_at = now() - interval '1 hour'");
        Assert.Equal([odd.Id], await host.Sweep.SweepAsync(TimeSpan.Zero, Cancellation));

        await EndAsync(host.Writer.WriteAsync(odd, Cancellation));

        await CheckAsync(host, odd, rows: 1);
    }

    [Fact]
    public async Task an_entry_of_the_spool_that_cannot_be_read_holds_nobody_up_and_is_kept()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var (before, after) = (Events.Plain(), Events.Plain());
        var broken = new SpoolEntry(0, SpoolKind.Settle, Guid.CreateVersion7(), """{"id":"not a call" """);

        host.Spool.Append([SpoolEntry.Of(before), broken, SpoolEntry.Of(after)]);
        // Its own file goes when all of it was sent or moved.
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && Directory.GetFiles(host.SpoolFolder, "*.spool").Length == 1));
        await host.IngestAllAsync();

        Assert.Equal(new[] { before.Id, after.Id }.Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
        using var kept = SpoolDatabase.Open(Assert.Single(Directory.GetFiles(host.SpoolFolder, "*.spool")), 1 << 30);
        Assert.Equal(broken.Body, Assert.Single(kept.Read(0, 10)).Body);
    }

    [Theory]
    [InlineData("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]")]
    [InlineData("""{"tokens":1,/* a comment */}""")]
    [InlineData("""{"text":"\ud800\u0000","tokens":1e200000}""")]
    public async Task an_event_that_an_older_version_spooled_with_its_raw_usage_as_it_came_is_a_row(string raw)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        var path = Path.Combine(folder, "gone.spool");
        var call = Events.Plain();
        using (var gone = SpoolDatabase.Open(path, 1 << 30))
        {
            var body = UsageEventJson.Serialize(call);
            gone.Append([new SpoolEntry(0, SpoolKind.Settle, call.Id, $"{body[..^1]},\"raw_usage\":{raw}}}")]);
        }

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(path)));

        await CheckAsync(host, call, rows: 1);
        Assert.Equal(raw, Assert.Single(await host.RowsAsync()).RawUsage?.GetString());
    }

    [Fact]
    public async Task events_of_an_older_version_that_wait_in_the_inbox_with_long_names_become_rows()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        await host.PutAsync([Events.Full()]);
        await host.ScalarAsync("""
            UPDATE ledger.usage_inbox SET (model_alias, provider, served_model) =
                (SELECT string_agg(sha512(n::text::bytea)::text, ''), string_agg(sha512(n::text::bytea)::text, '-'), string_agg(sha512(n::text::bytea)::text, ' ')
                FROM generate_series(1, 100) AS n)
            """);

        Assert.Equal(0, Assert.Single(await host.IngestAllAsync()).Rejected);

        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task raw_usage_that_is_not_odd_stays_as_it_came()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        const string Raw = """{"emoji":"\ud83d\ude00","ä":[1.50,-2e3,null,true],"nested":{"a":{"b":[[]]}}}""";

        await host.Writer.WriteAsync(Events.Plain() with { RawUsage = JsonElement.Parse(Raw) }, Cancellation);
        await host.IngestAllAsync();

        Assert.True(JsonElement.DeepEquals(JsonElement.Parse(Raw), Assert.Single(await host.RowsAsync()).RawUsage!.Value));
    }

    /// <summary>Fails when they never end.</summary>
    private static async Task EndAsync(params Task[] writes)
    {
        await LedgerHost.WaitAsync(() => Task.FromResult(writes.All(write => write.IsCompleted)));
        await Task.WhenAll(writes);
    }

    private static async Task CheckAsync(LedgerHost host, UsageEvent odd, int rows)
    {
        await LedgerHost.WaitAsync(async () => await host.InboxCountAsync() is > 0L);
        await host.IngestAllAsync();
        Assert.Equal("", await host.ScalarAsync("SELECT coalesce(string_agg(reason, '; '), '') FROM ledger.usage_rejected"));
        Assert.Equal((long)rows, await host.ScalarAsync("SELECT count(*) FROM ledger.llm_usage"));
        // As the page of a call reads it.
        var story = (await host.Calls.FindAsync(odd.Id, new ReportFilter(), null, Cancellation))!;
        Assert.Equal((odd.PromptTokens, odd.CompletionTokens, "completed"), (story.Call.PromptTokens, story.Call.CompletionTokens, story.Call.Outcome));
        Assert.DoesNotContain(JsonSerializer.Serialize(story, JsonSerializerOptions.Web), "\0", StringComparison.Ordinal);
        Assert.True((int)(await host.ScalarAsync($"SELECT coalesce(length(raw_usage::text), 0) FROM ledger.llm_usage WHERE id = '{odd.Id}'"))! < 500_000);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }
}
