using System.Diagnostics;
using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using LlmAspire.Usage.Tests;
using Microsoft.Extensions.Logging;

namespace LlmAspire.UsageWorker.Tests;

public class IngestionWorkerTests(PostgresFixture postgres)
{
    private const string Traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_written_event_becomes_a_row_without_waiting_for_the_poll()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync(), pollInterval: TimeSpan.FromDays(1));
        var usageEvent = Event();

        await host.Writer.WriteAsync(usageEvent, Cancellation);

        await WorkerHost.WaitAsync(async () => await host.RowIdsAsync() is [var id] && id == usageEvent.Id);
    }

    [Fact]
    public async Task what_was_in_the_inbox_before_the_worker_started_is_ingested()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using (var api = await WorkerHost.StartAsync(connectionString, worker: false))
        {
            await Task.WhenAll(Enumerable.Range(0, 1200).Select(_ => api.Writer.WriteAsync(Event(), Cancellation)));
        }

        await using var host = await WorkerHost.StartAsync(connectionString);

        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == 1200);
    }

    [Fact]
    public async Task the_partitions_of_this_month_and_the_next_are_there_before_they_are_needed()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync());

        var now = DateTime.UtcNow;
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync(
            "SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'ledger.llm_usage'::regclass") as string
            == $"ledger.llm_usage_{now:yyyy_MM} ledger.llm_usage_{now.AddMonths(1):yyyy_MM}");
    }

    [Fact]
    public async Task the_span_of_an_ingestion_belongs_to_the_trace_of_its_call_and_links_its_batch()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync());
        var usageEvent = Event() with { Traceparent = Traceparent };

        await host.Writer.WriteAsync(usageEvent, Cancellation);

        var (one, batch) = await IngestionOfAsync(host, usageEvent);
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", one.TraceId.ToString());
        Assert.Equal("b7ad6b7169203331", one.ParentSpanId.ToString());
        Assert.Equal(batch.Context, Assert.Single(one.Links).Context);
        Assert.NotEqual(batch.TraceId, one.TraceId);
        Assert.Equal([new("llmaspire.usage.id", usageEvent.Id.ToString())], one.TagObjects);
    }

    [Fact]
    public async Task an_event_without_a_trace_is_part_of_its_batch()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync());

        var usageEvent = Event();
        await host.Writer.WriteAsync(usageEvent, Cancellation);

        var (one, batch) = await IngestionOfAsync(host, usageEvent);
        Assert.Equal(batch.SpanId, one.ParentSpanId);
    }

    [Fact]
    public async Task the_metrics_count_what_was_ingested_and_rejected()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync());
        using var metrics = new Metrics(host);
        var usageEvent = Event();

        await host.Writer.WriteAsync(usageEvent, Cancellation);
        await host.Writer.WriteAsync(usageEvent, Cancellation);
        await host.ScalarAsync("INSERT INTO ledger.usage_inbox DEFAULT VALUES");
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Sum("llmaspire.ledger.batch.size") >= 3));

        Assert.Equal(1, metrics.Sum("llmaspire.ledger.ingested"));
        Assert.Equal(1, metrics.Sum("llmaspire.ledger.repeated"));
        Assert.Equal(1, metrics.Sum("llmaspire.ledger.rejected"));
        Assert.Equal(12, metrics.Sum("llmaspire.ledger.tokens class=prompt model=chat-default"));
        Assert.Equal(34, metrics.Sum("llmaspire.ledger.tokens class=completion model=chat-default"));
    }

    [Fact]
    public async Task a_worker_whose_connections_are_cut_goes_on()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync());

        await host.ScalarAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
        await host.Writer.WriteAsync(Event(), Cancellation);

        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == 1);
        await WorkerHost.WaitAsync(async () => await host.ListenersAsync() == 1);
    }

    [Fact]
    public async Task two_workers_and_restarts_of_postgresql_ingest_every_event_once()
    {
        await using var ownPostgres = PostgresFixture.CreateDurable();
        var server = await ownPostgres.GetServerAsync();
        var connectionString = await ownPostgres.CreateDatabaseAsync();
        await using var first = await WorkerHost.StartAsync(connectionString);
        await using var second = await WorkerHost.StartAsync(connectionString);
        UsageEvent[] events = [.. Enumerable.Range(0, 2000).Select(_ => Event())];

        var writes = events.Select((usageEvent, number) => (number % 2 == 0 ? first : second).Writer.WriteAsync(usageEvent, Cancellation)).ToArray();
        await WorkerHost.WaitAsync(() => Task.FromResult(writes.Any(write => write.IsCompleted)));
        await server.RestartAsync(PostgresStopMode.Immediate, Cancellation);
        await Task.WhenAll(writes);

        await WorkerHost.WaitAsync(async () => (await first.RowIdsAsync()).Length == events.Length);
        Assert.Equal(events.Select(usageEvent => usageEvent.Id).Order(), (await first.RowIdsAsync()).Order());
        Assert.Equal(0L, await first.ScalarAsync("SELECT count(*) FROM ledger.usage_rejected"));
        Assert.Equal([], await first.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task three_workers_keep_the_sums_right_while_events_good_bad_and_repeated_are_written()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var first = await WorkerHost.StartAsync(connectionString);
        await using var second = await WorkerHost.StartAsync(connectionString);
        await using var third = await WorkerHost.StartAsync(connectionString);
        // All of one organisation: the workers meet at the same sums.
        var (org, user) = (Guid.NewGuid(), Guid.NewGuid());
        UsageEvent[] events = [.. Enumerable.Range(0, 3000).Select(_ => Event() with { OrgId = org, UserId = user })];
        UsageEvent[] bad = [.. events[..30].Select(good => good with { Id = Guid.CreateVersion7(), DurationMs = -1 })];

        await Task.WhenAll(events.Concat(bad).Concat(events[..300]).Select(usageEvent => first.Writer.WriteAsync(usageEvent, Cancellation)));

        await WorkerHost.WaitAsync(async () => await first.ScalarAsync("SELECT count(*) FROM ledger.usage_inbox") is 0L);
        Assert.Equal(events.Select(usageEvent => usageEvent.Id).Order(), (await first.RowIdsAsync()).Order());
        Assert.Equal(30L, await first.ScalarAsync("SELECT count(*) FROM ledger.usage_rejected WHERE reason LIKE '%ck_llm_usage_not_negative%'"));
        Assert.Equal([], await first.Sums.VerifyAsync(Cancellation));
        Assert.Equal(3000L * 46, await first.ScalarAsync("SELECT used_tokens FROM ledger.allowance"));
    }

    [Fact]
    public async Task events_with_odd_text_are_rows_beside_all_others()
    {
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync());
        UsageEvent[] events = [.. OddEvents.Names.Select(kind => OddEvents.Of(kind, Event())), Event()];

        await Task.WhenAll(events.Select(usageEvent => host.Writer.WriteAsync(usageEvent, Cancellation)));

        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == events.Length);
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.usage_rejected"));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
        Assert.DoesNotContain(host.Log, line => line.Level >= LogLevel.Error);
    }

    private static UsageEvent Event() => Calls.Settle();

    // The listener hears the whole process, and other tests run beside this one.
    private static async Task<(Activity One, Activity Batch)> IngestionOfAsync(WorkerHost host, UsageEvent usageEvent)
    {
        Activity? one = null;
        Activity? batch = null;
        await WorkerHost.WaitAsync(() =>
        {
            one = host.Spans.SingleOrDefault(
                span => span.OperationName == "ingest usage" && usageEvent.Id.ToString().Equals(span.GetTagItem("llmaspire.usage.id")));
            batch = host.Spans.SingleOrDefault(
                span => span.OperationName == "ingest batch" && span.SpanId == one?.Links.Single().Context.SpanId);
            return Task.FromResult(one is not null && batch is not null);
        });
        return (one!, batch!);
    }
}
