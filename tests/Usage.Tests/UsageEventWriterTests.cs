using System.Text.Json;
using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace LlmAspire.Usage.Tests;

public class UsageEventWriterTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task what_comes_in_while_a_batch_is_committed_makes_the_next_one_with_one_notification()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        await using var listener = await host.Source.OpenConnectionAsync(Cancellation);
        await using (var listen = new NpgsqlCommand($"LISTEN {UsageIngestion.Channel}", listener))
        {
            await listen.ExecuteNonQueryAsync(Cancellation);
        }

        var notifications = 0;
        listener.Notification += (_, _) => notifications++;

        var closed = await host.CloseInboxAsync();
        var first = host.Writer.WriteAsync(Events.Plain(), Cancellation);
        await host.WaitUntilAWriterWaitsAsync();
        var others = Enumerable.Range(0, 300).Select(_ => host.Writer.WriteAsync(Events.Plain(), Cancellation)).ToArray();
        Assert.DoesNotContain(others, write => write.IsCompleted);
        await closed.DisposeAsync();
        await first;
        await Task.WhenAll(others);

        Assert.Equal(2, host.Writer.Batches);
        Assert.Equal(301L, await host.InboxCountAsync());
        while (notifications < 2)
        {
            Assert.True(await listener.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
        }

        Assert.False(await listener.WaitAsync(TimeSpan.FromMilliseconds(50), Cancellation), "a batch has one notification");
    }

    [Fact]
    public async Task an_event_is_committed_when_its_write_ends()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        for (var written = 1L; written <= 20; written++)
        {
            await host.Writer.WriteAsync(Events.Plain(), Cancellation);
            Assert.Equal(written, await host.InboxCountAsync());
        }
    }

    [Fact]
    public async Task a_caller_that_gives_up_does_not_take_its_event_away()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        using var caller = new CancellationTokenSource();
        await using (await host.CloseInboxAsync())
        {
            var inFlight = host.Writer.WriteAsync(Events.Plain(), caller.Token);
            await host.WaitUntilAWriterWaitsAsync();
            var queued = host.Writer.WriteAsync(Events.Plain(), caller.Token);

            await caller.CancelAsync();

            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => inFlight);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queued);
        }

        await LedgerHost.WaitAsync(async () => await host.InboxCountAsync() is 2L);
    }

    [Fact]
    public async Task a_restart_of_postgresql_in_the_middle_of_writes_loses_nothing()
    {
        await using var ownPostgres = PostgresFixture.CreateDurable();
        var server = await ownPostgres.GetServerAsync();
        await using var host = await LedgerHost.ReadyAsync(await ownPostgres.CreateDatabaseAsync());
        var written = 0;
        using var restarted = new CancellationTokenSource();

        async Task<List<Guid>> WriteAsync()
        {
            List<Guid> ids = [];
            while (!restarted.IsCancellationRequested)
            {
                var usageEvent = Events.Plain();
                await host.Writer.WriteAsync(usageEvent, Cancellation);
                ids.Add(usageEvent.Id);
                Interlocked.Increment(ref written);
            }

            return ids;
        }

        var writers = Enumerable.Range(0, 16).Select(_ => WriteAsync()).ToArray();
        foreach (var mode in (PostgresStopMode[])[PostgresStopMode.Immediate, PostgresStopMode.Fast])
        {
            var before = Volatile.Read(ref written);
            await LedgerHost.WaitAsync(() => Task.FromResult(Volatile.Read(ref written) > before + 200));
            await server.RestartAsync(mode, Cancellation);
        }

        var after = Volatile.Read(ref written);
        await LedgerHost.WaitAsync(() => Task.FromResult(Volatile.Read(ref written) > after + 200));
        await restarted.CancelAsync();
        var ids = (await Task.WhenAll(writers)).SelectMany(ids => ids).Order().ToArray();

        await host.IngestAllAsync();
        Assert.Equal(ids, (await host.RowsAsync()).Select(row => row.Id).Order());
        Assert.Equal(ids.Length, written);
    }

    [Fact]
    public async Task a_shutdown_writes_what_is_queued()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var observer = await LedgerHost.ReadyAsync(connectionString);
        await using var host = await LedgerHost.ReadyAsync(connectionString);
        Task[] writes;
        Task stop;
        await using (await observer.CloseInboxAsync())
        {
            writes = [.. Enumerable.Range(0, 50).Select(_ => host.Writer.WriteAsync(Events.Plain(), Cancellation))];
            await observer.WaitUntilAWriterWaitsAsync();
            stop = host.StopAsync(Cancellation);
            Assert.False(stop.IsCompleted);
        }

        await stop;
        await Task.WhenAll(writes);
        Assert.Equal(50L, await observer.InboxCountAsync());
        await Assert.ThrowsAsync<InvalidOperationException>(() => host.Writer.WriteAsync(Events.Plain(), Cancellation));
    }

    [Fact]
    public async Task what_a_shutdown_cannot_write_in_time_is_said_loudly_and_whole()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var observer = await LedgerHost.ReadyAsync(connectionString);
        // A folder that cannot be made: the spool takes nothing.
        await using var host = await LedgerHost.ReadyAsync(connectionString, ("Spool:Directory", "/dev/null/spool"));
        UsageEvent[] events = [Events.Full(), Events.Plain()];
        await using (await observer.CloseInboxAsync())
        {
            var inFlight = host.Writer.WriteAsync(events[0], Cancellation);
            await observer.WaitUntilAWriterWaitsAsync();
            var queued = host.Writer.WriteAsync(events[1], Cancellation);
            using var deadline = new CancellationTokenSource();
            var stop = host.StopAsync(deadline.Token);

            await deadline.CancelAsync();

            await stop;
            await Assert.ThrowsAsync<InvalidOperationException>(() => inFlight);
            await Assert.ThrowsAsync<InvalidOperationException>(() => queued);
        }

        var lost = host.LogAt(LogLevel.Critical).ToArray();
        Assert.Equal(2, lost.Length);
        Assert.All(events, usageEvent => Assert.Contains(lost, line => line.Contains(UsageEventJson.Serialize(usageEvent), StringComparison.Ordinal)));
    }

    [Fact]
    public async Task an_id_that_holds_no_time_is_refused_at_once()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

        await Assert.ThrowsAsync<ArgumentException>(() => host.Writer.WriteAsync(Events.Plain(Guid.NewGuid()), Cancellation));

        Assert.Equal(0L, await host.InboxCountAsync());
    }

    [Theory]
    [InlineData("""{"text":"a\u0000b"}""")] // jsonb has no NUL
    [InlineData("""{"text":"\ud800"}""")] // nor half a character
    [InlineData("""{"tokens":1e200000}""")] // nor numbers beyond numeric
    public async Task raw_usage_that_jsonb_cannot_hold_is_kept_as_text_and_holds_nobody_up(string raw)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var odd = Events.Plain() with { RawUsage = JsonElement.Parse(raw) };
        UsageEvent[] events = [Events.Full(), odd, Events.Full()];

        var closed = await host.CloseInboxAsync();
        var first = host.Writer.WriteAsync(Events.Plain(), Cancellation);
        await host.WaitUntilAWriterWaitsAsync();
        var batch = events.Select(usageEvent => host.Writer.WriteAsync(usageEvent, Cancellation)).ToArray();
        await closed.DisposeAsync();
        await Task.WhenAll([first, .. batch]);
        await host.IngestAllAsync();

        var rows = await host.RowsAsync();
        Assert.Equal(4, rows.Count);
        Assert.Equal(raw, rows.Single(row => row.Id == odd.Id).RawUsage?.GetString());
        Assert.Equal(JsonValueKind.Object, rows.Single(row => row.Id == events[2].Id).RawUsage?.ValueKind);
    }

    [Fact]
    public async Task names_with_what_text_cannot_hold_are_written_with_a_replacement()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

        await host.Writer.WriteAsync(Events.Plain() with { ServedModel = "a\0b\ud800c", Traceparent = "\0", RawUsage = default(JsonElement) }, Cancellation);
        await host.IngestAllAsync();

        Assert.Equal("a\uFFFDb\uFFFDc", Assert.Single(await host.RowsAsync()).ServedModel);
    }
}
