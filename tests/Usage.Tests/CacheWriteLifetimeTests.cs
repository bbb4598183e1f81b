using System.Text;
using System.Text.Json;
using LlmAspire.TestPostgres;
using LlmAspire.Usage.Tests.Reports;

namespace LlmAspire.Usage.Tests;

/// <summary>Cache writes that are kept for one hour: a part of the cache writes, from the event to the export.</summary>
public class CacheWriteLifetimeTests(PostgresFixture postgres)
{
    private const string Before = "20261128204500_InvoiceNotices";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_ledger_with_rows_gets_the_column_and_loses_it_again()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await OldLedger.MigrateAsync(connectionString, Before);
        var time = DateTimeOffset.UtcNow.AddHours(-2);
        var (row, waiting, later) = (Guid.CreateVersion7(time), Guid.CreateVersion7(time), Events.Full());
        await OldLedger.ExecuteAsync(connectionString, $"""
            SELECT ledger.ensure_usage_partition(ledger.uuid_v7_time({row}));
            INSERT INTO ledger.llm_usage (
                id, created_at, request_id, user_id, org_id, operation, model_alias, prompt_tokens, completion_tokens, cache_write_tokens, source, outcome, duration_ms)
            VALUES ({row}, ledger.uuid_v7_time({row}), {row}, {row}, {row}, 'chat', 'm', 10, 0, 7, 'provider', 'completed', 0);
            INSERT INTO ledger.usage_inbox (
                id, request_id, user_id, org_id, operation, model_alias, prompt_tokens, completion_tokens, cache_write_tokens, source, outcome, duration_ms)
            VALUES ({waiting}, {row}, {row}, {row}, 'chat', 'm', 10, 0, 8, 'provider', 'completed', 0);
            """);

        await using (var host = await LedgerHost.ReadyAsync(connectionString))
        {
            await host.Writer.WriteAsync(later, Cancellation);
            Assert.Equal(0, Assert.Single(await host.IngestAllAsync()).Rejected);
            Assert.Equal(
                [(row, 7L, null), (waiting, 8L, null), (later.Id, 101L, 99L)],
                (await host.RowsAsync()).Select(one => (one.Id, one.CacheWriteTokens, one.CacheWrite1hTokens)).OrderBy(one => one.Item2));
            Assert.Equal(2L, await host.ScalarAsync("SELECT count(*) FROM ledger.call_cost(NULL, 'infinity') WHERE cache_write_1h_tokens IS NULL"));
        }

        await OldLedger.MigrateAsync(connectionString, Before);
        await OldLedger.ExecuteAsync(connectionString, $"SELECT FROM ledger.call_cost(NULL, 'infinity'), ledger.usage_recorded('infinity')");
        await using var again = await LedgerHost.ReadyAsync(connectionString);
        Assert.Equal(3, (await again.RowsAsync()).Count(one => one.CacheWrite1hTokens is null));
    }

    [Fact]
    public async Task an_event_that_was_spooled_before_becomes_a_row()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        var path = Path.Combine(folder, "gone.spool");
        var id = Guid.CreateVersion7();
        using (var gone = SpoolDatabase.Open(path, 1 << 30))
        {
            gone.Append([new SpoolEntry(0, SpoolKind.Settle, id, $$"""
                {"id":"{{id}}","request_id":"{{id}}","user_id":"{{id}}","org_id":"{{id}}","operation":"chat","model_alias":"m","prompt_tokens":12,
                "completion_tokens":34,"cache_write_tokens":7,"source":"provider","outcome":"completed","duration_ms":5}
                """)]);
        }

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(path)));
        await host.IngestAllAsync();

        var row = Assert.Single(await host.RowsAsync());
        Assert.Equal((id, 7L, null), (row.Id, row.CacheWriteTokens, row.CacheWrite1hTokens));
    }

    [Fact]
    public void the_spool_has_it_under_the_ledgers_name()
    {
        var written = Events.Full();

        var text = UsageEventJson.Serialize(written);

        Assert.Equal(99, JsonElement.Parse(text).GetProperty("cache_write_1h_tokens").GetInt64());
        Assert.Equal(99, SpoolEntry.Of(written).ToUsageEvent().CacheWrite1hTokens);
    }

    [Theory]
    [InlineData(50, 60, 50L)]
    [InlineData(50, 0, 0L)]
    [InlineData(2_000, 1_999, 1_000L)]
    [InlineData(null, 5, null)]
    [InlineData(50, null, null)]
    public async Task it_is_never_more_than_the_cache_writes_of_the_row(int? written, int? kept, long? expected)
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

        await host.Writer.WriteAsync(Events.Plain() with { PromptTokens = 1_000, CacheWriteTokens = written, CacheWrite1hTokens = kept }, Cancellation);
        await host.IngestAllAsync();

        Assert.Equal(expected, Assert.Single(await host.RowsAsync()).CacheWrite1hTokens);
    }

    [Fact]
    public async Task a_rejected_event_keeps_it()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

        await host.Writer.WriteAsync(Events.Full() with { CacheWrite1hTokens = -1 }, Cancellation);
        await host.IngestAllAsync();

        Assert.Equal("-1", await host.ScalarAsync("SELECT event->>'cache_write_1h_tokens' FROM ledger.usage_rejected"));
    }

    [Fact]
    public async Task a_late_settle_brings_it()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var call = Calls.Open();
        await host.PutAsync([call.Interrupt()]);
        await host.IngestAllAsync();

        await host.PutAsync([call.Settle() with { PromptTokens = 9, CacheWriteTokens = 5, CacheWrite1hTokens = 3 }]);
        await host.IngestAllAsync();

        Assert.Equal(3, Assert.Single(await host.RowsAsync()).CacheWrite1hTokens);
    }

    [Fact]
    public async Task calls_stories_and_files_show_it()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        var call = Events.Full();
        await host.PutAsync([call]);
        await host.IngestAllAsync();
        var query = ReportedUsage.Query() with { From = call.CreatedAt.AddHours(-1), To = call.CreatedAt.AddHours(1) };
        query = query with { AsOf = await host.Export.PinAsync(query, Cancellation) };

        var listed = Assert.Single((await host.Calls.ListAsync(query, null, 10, Cancellation)).Calls);
        var story = await host.Calls.FindAsync(call.Id, new ReportFilter(), null, Cancellation);
        var line = JsonElement.Parse(await ExportAsync(host, query, ExportFormat.JsonLines));
        var table = (await ExportAsync(host, query, ExportFormat.Csv)).Split('\n', 2);

        Assert.Equal((101L, 99L, 102L), (listed.CacheWriteTokens, listed.CacheWrite1hTokens, listed.ReasoningTokens));
        Assert.Equal(99L, story?.Call.CacheWrite1hTokens);
        Assert.Equal(99L, line.GetProperty("cacheWrite1hTokens").GetInt64());
        Assert.Contains(",cache_write_tokens,cache_write_1h_tokens,reasoning_tokens,", table[0], StringComparison.Ordinal);
        Assert.Contains(",101,99,102,", table[1], StringComparison.Ordinal);
    }

    private static async Task<string> ExportAsync(LedgerHost host, ReportQuery query, ExportFormat format)
    {
        using var file = new MemoryStream();
        await host.Export.WriteAsync(query, format, file, Cancellation);
        return Encoding.UTF8.GetString(file.ToArray());
    }
}
