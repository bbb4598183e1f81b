using System.Globalization;
using System.Text.Json;
using LlmAspire.TestPostgres;
using Npgsql;

namespace LlmAspire.Usage.Tests;

public class UsageIngestionTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_row_is_exactly_its_event()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var written = Events.Full();
        var before = DateTimeOffset.UtcNow;

        await host.Writer.WriteAsync(written, Cancellation);
        await host.IngestAllAsync();

        var row = Assert.Single(await host.RowsAsync());
        // Each property of the event has a column of the same name.
        foreach (var property in typeof(UsageEvent).GetProperties().Where(property => property.Name is not "Traceparent" and not "RawUsage"))
        {
            Assert.Equal(property.GetValue(written), typeof(UsageRow).GetProperty(property.Name)!.GetValue(row));
        }

        Assert.Equal("0af7651916cd43dd8448eb211c80319c", row.TraceId);
        Assert.Equal("b7ad6b7169203331", row.SpanId);
        Assert.True(JsonElement.DeepEquals(written.RawUsage!.Value, row.RawUsage!.Value));
        Assert.InRange(row.RecordedAt, before.AddSeconds(-5), DateTimeOffset.UtcNow.AddSeconds(5));
        Assert.Equal(0L, await host.InboxCountAsync());
    }

    [Fact]
    public async Task what_is_not_known_stays_null()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

        await host.Writer.WriteAsync(Events.Plain(), Cancellation);
        await host.IngestAllAsync();

        var row = Assert.Single(await host.RowsAsync());
        var unknown = typeof(UsageRow).GetProperties().Where(property => property.GetValue(row) is null).Select(property => property.Name);
        Assert.Equal(
            [
                "ApiKeyId", "Attempts", "AudioCompletionTokens", "AudioPromptTokens", "CacheWrite1hTokens", "CacheWriteTokens", "CachedPromptTokens",
                "ConversationId", "Fallbacks", "GatewayCallId", "Provider", "ProvisionalDurationMs", "ProvisionalRecordedAt", "RawUsage", "ReasoningTokens", "ReplacedAt",
                "ServedModel", "SpanId", "TraceId", "TtftMs",
            ],
            unknown.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033-01")]
    [InlineData("nonsense")]
    public async Task a_traceparent_that_is_none_costs_the_trace_and_not_the_row(string traceparent)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

        await host.Writer.WriteAsync(Events.Plain() with { Traceparent = traceparent }, Cancellation);
        await host.IngestAllAsync();

        var row = Assert.Single(await host.RowsAsync());
        Assert.Equal((null, null), (row.TraceId, row.SpanId));
    }

    [Fact]
    public async Task an_event_that_comes_twice_makes_one_row_and_the_first_one_stays()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var original = Events.Plain();

        await host.Writer.WriteAsync(original, Cancellation);
        await host.Writer.WriteAsync(original with { PromptTokens = 99 }, Cancellation);
        var together = Assert.Single(await host.IngestAllAsync());
        await host.Writer.WriteAsync(original with { PromptTokens = 98 }, Cancellation);
        var later = Assert.Single(await host.IngestAllAsync());

        Assert.Equal(12, Assert.Single(await host.RowsAsync()).PromptTokens);
        Assert.Equal((1, 1), (together.Events.Count, together.Repeated));
        Assert.Equal((0, 1), (later.Events.Count, later.Repeated));
    }

    [Fact]
    public async Task workers_side_by_side_ingest_every_event_once()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        var hosts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => LedgerHost.ReadyAsync(connectionString)));
        var events = Enumerable.Range(0, 3000).Select(_ => Events.Plain()).ToArray();
        await Task.WhenAll(events.Select(usageEvent => hosts[0].Writer.WriteAsync(usageEvent, Cancellation)));

        var batches = (await Task.WhenAll(hosts.Select(host => host.IngestAllAsync(limit: 50)))).SelectMany(batches => batches).ToArray();

        var expected = events.Select(usageEvent => usageEvent.Id).Order().ToArray();
        Assert.Equal(expected, batches.SelectMany(batch => batch.Events).Select(ingested => ingested.Id).Order());
        Assert.Equal(expected, (await hosts[0].RowsAsync()).Select(row => row.Id).Order());
        Assert.Equal(0, batches.Sum(batch => batch.Repeated + batch.Rejected));
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task missing_partitions_are_made_by_whoever_needs_them()
    {
        // A session's time zone must not move the borders of the months.
        var connectionString = await postgres.CreateDatabaseAsync() + ";Timezone=Asia/Kolkata";
        var hosts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => LedgerHost.ReadyAsync(connectionString)));
        DateTimeOffset[] times =
        [
            new(2025, 1, 31, 23, 59, 59, 999, TimeSpan.Zero), new(2025, 2, 1, 0, 0, 0, TimeSpan.Zero), new(2031, 12, 31, 23, 0, 0, TimeSpan.Zero),
        ];
        UsageEvent[] events = [.. Enumerable.Range(0, 60).Select(number => Events.Plain(Guid.CreateVersion7(times[number % times.Length])))];
        await Task.WhenAll(events.Select(usageEvent => hosts[0].Writer.WriteAsync(usageEvent, Cancellation)));

        await Task.WhenAll(hosts.Select(host => host.IngestAllAsync(limit: 10)));

        Assert.Equal(60, (await hosts[0].RowsAsync()).Count);
        Assert.Equal("llm_usage_2025_01 20, llm_usage_2025_02 20, llm_usage_2031_12 20", await hosts[0].ScalarAsync("""
            SELECT string_agg(name || ' ' || rows, ', ' ORDER BY name)
            FROM (SELECT relname AS name, count(*) AS rows FROM ledger.llm_usage AS usage JOIN pg_class ON pg_class.oid = usage.tableoid GROUP BY 1) AS partitions
            """));
        Assert.Equal(0L, await hosts[0].ScalarAsync("SELECT count(*) FROM ledger.usage_rejected"));
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task workers_that_meet_at_missing_partitions_again_and_again_all_get_on()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        var hosts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LedgerHost.ReadyAsync(connectionString)));
        for (var month = 0; month < 40; month++)
        {
            var time = new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(month);
            await hosts[0].PutAsync([.. Enumerable.Range(0, 8).Select(_ => Events.Plain(Guid.CreateVersion7(time)))]);

            await Task.WhenAll(hosts.Select(host => host.Ingestion.IngestAsync(2, Cancellation)));
        }

        await hosts[0].IngestAllAsync();
        Assert.Equal(320, (await hosts[0].RowsAsync()).Count);
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task a_partition_is_made_while_a_report_reads_the_ledger()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        await using var report = await host.Source.OpenConnectionAsync(Cancellation);
        await using var transaction = await report.BeginTransactionAsync(Cancellation);
        await using var read = new NpgsqlCommand("SELECT count(*) FROM ledger.llm_usage", report, transaction);
        await read.ExecuteScalarAsync(Cancellation);

        await host.Writer.WriteAsync(Events.Plain(), Cancellation);
        await host.IngestAllAsync();

        Assert.Single(await host.RowsAsync());
    }

    [Fact]
    public async Task events_that_the_ledger_cannot_hold_are_put_aside_with_their_reason_and_the_others_are_ingested()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        (UsageEvent Event, string? Change, string SqlState)[] poison =
        [
            (Events.Plain() with { PromptTokens = -12 }, null, PostgresErrorCodes.CheckViolation),
            (Events.Full() with { CompletionTokens = 1_000_000_000_000 }, null, PostgresErrorCodes.CheckViolation),
            (Events.Plain(), "operation = 'gossip'", PostgresErrorCodes.CheckViolation),
            (Events.Plain(), "model_alias = null", PostgresErrorCodes.NotNullViolation),
            (Events.Plain(Guid.NewGuid()), null, PostgresErrorCodes.InvalidParameterValue),
            (Events.Plain(new Guid("ffffffff-ffff-7fff-bfff-ffffffffffff")), null, PostgresErrorCodes.CheckViolation), // in the year 10889
            (Events.Plain(), "id = null", PostgresErrorCodes.InvalidParameterValue),
            (Events.Plain(), "id = null", PostgresErrorCodes.InvalidParameterValue),
        ];
        List<Guid> good = [];
        foreach (var (poisonous, change, _) in poison)
        {
            UsageEvent[] others = [.. Enumerable.Range(0, 5).Select(_ => Events.Plain())];
            good.AddRange(others.Select(usageEvent => usageEvent.Id));
            await host.PutAsync([.. others, poisonous]);
            if (change is not null)
            {
                await host.ScalarAsync($"UPDATE ledger.usage_inbox SET {change} WHERE id = '{poisonous.Id}'");
            }
        }

        var batch = Assert.Single(await host.IngestAllAsync());

        Assert.Equal((40, 0, 8), (batch.Events.Count, batch.Repeated, batch.Rejected));
        Assert.Equal(good.Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
        Assert.Equal(0L, await host.InboxCountAsync());
        await using var command = host.Source.CreateCommand("SELECT sqlstate, event->>'request_id', event->>'duration_ms', reason <> '' FROM ledger.usage_rejected ORDER BY id");
        List<string> states = [];
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        while (await reader.ReadAsync(Cancellation))
        {
            var put = poison[states.Count].Event;
            Assert.Equal((put.RequestId.ToString(), put.DurationMs.ToString(CultureInfo.InvariantCulture)), (reader.GetString(1), reader.GetString(2)));
            Assert.True(reader.GetBoolean(3));
            states.Add(reader.GetString(0));
        }

        Assert.Equal(poison.Select(entry => entry.SqlState), states);
    }

    [Fact]
    public async Task trouble_of_the_server_rejects_nothing()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        await host.Writer.WriteAsync(Events.Plain(), Cancellation);
        await host.ScalarAsync("ALTER TABLE ledger.llm_usage RENAME TO away");

        await Assert.ThrowsAsync<PostgresException>(() => host.Ingestion.IngestAsync(10, Cancellation));

        Assert.Equal(1L, await host.InboxCountAsync());
        await host.ScalarAsync("ALTER TABLE ledger.away RENAME TO llm_usage");
        await host.IngestAllAsync();
        Assert.Single(await host.RowsAsync());
        Assert.Equal(0L, await host.ScalarAsync("SELECT count(*) FROM ledger.usage_rejected"));
    }

    [Fact]
    public async Task a_batch_holds_no_more_than_was_asked_for_and_takes_the_oldest()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        UsageEvent[] events = [Events.Plain(), Events.Plain(), Events.Plain()];
        foreach (var usageEvent in events)
        {
            await host.Writer.WriteAsync(usageEvent, Cancellation);
        }

        var batches = await host.IngestAllAsync(limit: 2);

        Assert.Equal([2, 1], batches.Select(batch => batch.Taken));
        Assert.Equal(events[..2].Select(usageEvent => usageEvent.Id).Order(), batches[0].Events.Select(ingested => ingested.Id).Order());
    }
}
