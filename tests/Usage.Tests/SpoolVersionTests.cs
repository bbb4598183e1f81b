using System.Text.Json.Serialization.Metadata;
using LlmAspire.TestPostgres;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage.Tests;

/// <summary>Files of older and newer versions, and entries that PostgreSQL does not take: nothing of them is lost, and nothing waits for them.</summary>
public sealed class SpoolVersionTests(PostgresFixture postgres) : IDisposable
{
    /// <summary>Beyond the events, so that a test may forbid it.</summary>
    private const long Forbidden = 4711;

    private static readonly (string, string) Often = ("Spool:AdoptionInterval", "00:00:00.02");

    private readonly string _folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("a kind of a newer version", 4)]
    [InlineData("an event with a member of a newer version", 2)]
    [InlineData("an event with an outcome of a newer version", 2)]
    [InlineData("an event without what every event has", 2)]
    [InlineData("no event", 2)]
    [InlineData("an open call with a member of a newer version", 1)]
    [InlineData("a record of a run, in a service without runs", 3)]
    public async Task an_entry_of_another_version_stays_in_its_file_as_it_is_and_holds_nobody_up(string name, int kind)
    {
        var body = NewerBody(name);
        var (first, second) = (Path.Combine(_folder, "a.spool"), Path.Combine(_folder, "b.spool"));
        UsageEvent[] events = [Events.Plain(), Events.Plain(), Events.Plain()];
        Spool(first, SpoolEntry.Of(events[0]), new SpoolEntry(0, (SpoolKind)kind, Guid.CreateVersion7(), body), SpoolEntry.Of(events[1]));
        Spool(second, SpoolEntry.Of(events[2]));

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", _folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(Held(host).Count == 1 && !File.Exists(second)));
        await host.IngestAllAsync();

        Assert.Equal(events.Select(usageEvent => usageEvent.Id).Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
        using (var kept = SpoolDatabase.Open(first, 1 << 30))
        {
            var entry = Assert.Single(kept.Read(0, 10));
            Assert.Equal((kind, body), ((int)entry.Kind, entry.Body));
        }

        Assert.Contains(host.LogAt(LogLevel.Error), line => line.Contains(first, StringComparison.Ordinal));
        var health = await DurabilityAsync(host);
        Assert.Equal(HealthStatus.Degraded, health.Status);
        Assert.Contains(first, health.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_file_of_a_newer_format_is_left_as_it_is_until_its_version_takes_it()
    {
        var (newer, mine) = (Path.Combine(_folder, "a.spool"), Path.Combine(_folder, "b.spool"));
        UsageEvent[] events = [Events.Plain(), Events.Plain()];
        Spool(newer, SpoolEntry.Of(events[0]));
        Spool(mine, SpoolEntry.Of(events[1]));
        SetVersion(newer, SpoolDatabase.FormatVersion + 1);
        var bytes = await File.ReadAllBytesAsync(newer, Cancellation);

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", _folder), Often);
        await LedgerHost.WaitAsync(() => Task.FromResult(Held(host).Count == 1 && !File.Exists(mine)));
        await host.IngestAllAsync();

        Assert.Equal(events[1].Id, Assert.Single(await host.RowsAsync()).Id);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(newer, Cancellation));
        Assert.Contains(
            "It has format 2, and this version reads up to 1. A newer version wrote it: start that one with this folder, and it takes the file up.",
            (await DurabilityAsync(host)).Description, StringComparison.Ordinal);

        // Its version starts, and reads it.
        SetVersion(newer, SpoolDatabase.FormatVersion);
        await LedgerHost.WaitAsync(() => Task.FromResult(Held(host).Count == 0 && !File.Exists(newer)));
        await host.IngestAllAsync();

        Assert.Equal(events.Select(usageEvent => usageEvent.Id).Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
        Assert.Equal(HealthStatus.Healthy, (await DurabilityAsync(host)).Status);
    }

    /// <summary>As the version of November 2026 wrote it, before formats were counted.</summary>
    [Fact]
    public async Task a_file_of_the_first_version_is_read()
    {
        var path = Path.Combine(_folder, "old.spool");
        var (opened, settled) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var common = $"""
            "request_id":"{Guid.CreateVersion7()}","user_id":"{Guid.NewGuid()}","org_id":"{Guid.NewGuid()}","operation":"chat","model_alias":"chat-default"
            """;
        WriteOld(
            path,
            (1, opened, $$"""
                {"id":"{{opened}}",{{common}},"reserved_prompt_tokens":100,"reserved_completion_tokens":1000,
                 "instance_id":"00000000-0000-0000-0000-000000000000","opened_at":"0001-01-01T00:00:00+00:00"}
                """),
            (2, settled, $$"""
                {"id":"{{settled}}",{{common}},"provider":"openai","served_model":"gpt-4o-mini","prompt_tokens":12,"completion_tokens":34,"cached_prompt_tokens":5,
                 "source":"provider","outcome":"completed","ttft_ms":7,"duration_ms":56,"raw_usage":{"prompt_tokens":12,}
                }
                """));

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", _folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(path)));
        await host.IngestAllAsync();

        var rows = (await host.RowsAsync()).ToDictionary(row => row.Id);
        Assert.Equal((UsageOutcome.Interrupted, 0L), (rows[opened].Outcome, rows[opened].PromptTokens));
        Assert.Equal((UsageOutcome.Completed, 12L, 5L), (rows[settled].Outcome, rows[settled].PromptTokens, rows[settled].CachedPromptTokens));
    }

    [Fact]
    public async Task an_event_that_postgresql_does_not_take_holds_up_neither_its_file_nor_others_and_is_sent_when_it_is_taken()
    {
        var (first, second) = (Path.Combine(_folder, "a.spool"), Path.Combine(_folder, "b.spool"));
        UsageEvent[] events = [Events.Plain(), Events.Plain() with { PromptTokens = Forbidden }, Events.Plain(), Events.Plain()];
        Spool(first, [.. events[..3].Select(SpoolEntry.Of)]);
        Spool(second, SpoolEntry.Of(events[3]));
        var database = await postgres.CreateDatabaseAsync();
        await using (var before = await LedgerHost.ReadyAsync(database))
        {
            await ForbidAsync(before);
        }

        await using var host = await LedgerHost.ReadyAsync(database, ("Spool:Directory", _folder), Often);
        await LedgerHost.WaitAsync(() => Task.FromResult(Held(host).Count == 1 && !File.Exists(second)));
        await host.IngestAllAsync();
        Assert.Equal(events.Where(one => one.PromptTokens != Forbidden).Select(one => one.Id).Order(), (await host.RowsAsync()).Select(row => row.Id).Order());

        await AllowAsync(host);
        await LedgerHost.WaitAsync(() => Task.FromResult(Held(host).Count == 0 && !File.Exists(first)));
        await host.IngestAllAsync();

        Assert.Equal(events.Select(one => one.Id).Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
    }

    [Fact]
    public async Task an_event_in_a_processes_own_spool_that_postgresql_does_not_take_does_not_keep_the_spool_busy()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", _folder), Often);
        await ForbidAsync(host);
        var call = Calls.Open();
        await host.Opener.OpenAsync(call, Cancellation);
        var poison = call.Settle() with { PromptTokens = Forbidden };

        // PostgreSQL refuses it, so the spool takes it.
        await host.Writer.WriteAsync(poison, Cancellation);
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && Held(host).Count == 1));

        // Its call is left to the sweeper: nobody reports it as running.
        Assert.Empty(host.Running.Ids());
        await AllowAsync(host);
        await LedgerHost.WaitAsync(() => Task.FromResult(Held(host).Count == 0));
        await host.IngestAllAsync();

        Assert.Equal((poison.Id, Forbidden), (await host.RowsAsync()).Select(row => (row.Id, row.PromptTokens)).Single());
        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    /// <summary>An older version refuses a member that it does not know, entry by entry. With a new format it does not even touch the file.</summary>
    [Fact]
    public void a_change_of_what_is_stored_raises_the_format()
    {
        Assert.Equal(1, SpoolDatabase.FormatVersion);
        Assert.Equal(
            "id request_id user_id org_id api_key_id conversation_id operation traceparent model_alias provider served_model prompt_tokens completion_tokens cached_prompt_tokens "
            + "cache_write_tokens cache_write_1h_tokens reasoning_tokens audio_prompt_tokens audio_completion_tokens source outcome attempts fallbacks ttft_ms duration_ms "
            + "gateway_call_id raw_usage",
            Names(UsageEventJson.Default.UsageEvent));
        Assert.Equal(
            "id request_id user_id org_id api_key_id conversation_id operation traceparent model_alias reserved_prompt_tokens reserved_completion_tokens instance_id opened_at",
            Names(OpenCallJson.Default.OpenCall));
        Assert.Equal(["Open = 1", "Settle = 2", "Run = 3"], Enum.GetValues<SpoolKind>().Select(kind => $"{kind} = {(int)kind}"));
    }

    private static string NewerBody(string name) => name switch
    {
        "a kind of a newer version" => SpoolEntry.Of(Events.Plain()).Body,
        "an event with a member of a newer version" => $$"""{"image_tokens":7,{{SpoolEntry.Of(Events.Plain()).Body[1..]}}""",
        "an event with an outcome of a newer version" => SpoolEntry.Of(Events.Plain()).Body.Replace("completed", "postponed", StringComparison.Ordinal),
        "an event without what every event has" => """{"of":"another version"}""",
        "no event" => "null",
        "an open call with a member of a newer version" => $$"""{"priority":1,{{SpoolEntry.Of(Calls.Open()).Body[1..]}}""",
        _ => """{"kind":"start"}""",
    };

    private static string Names(JsonTypeInfo type) => string.Join(' ', type.Properties.Select(property => property.Name).Distinct().Where(name => name is not ("created_at" or "allowance_limit")));

    private static HeldSpools Held(LedgerHost host) => host.Services.GetRequiredService<HeldSpools>();

    private static async Task<HealthReportEntry> DurabilityAsync(LedgerHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation)).Entries["durability"];

    private static Task<object?> ForbidAsync(LedgerHost host) => host.ScalarAsync($"ALTER TABLE ledger.usage_inbox ADD CONSTRAINT forbidden CHECK (prompt_tokens <> {Forbidden})");

    private static Task<object?> AllowAsync(LedgerHost host) => host.ScalarAsync("ALTER TABLE ledger.usage_inbox DROP CONSTRAINT forbidden");

    private static void Spool(string path, params SpoolEntry[] entries)
    {
        using var spool = SpoolDatabase.Open(path, 1 << 30);
        spool.Append(entries);
    }

    private static void SetVersion(string path, long version)
    {
        using var connection = Open(path);
        Execute(connection, $"PRAGMA user_version = {version}; PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private static void WriteOld(string path, params (int Kind, Guid Call, string Body)[] entries)
    {
        using var connection = Open(path);
        Execute(connection, """
            PRAGMA journal_mode = WAL;
            CREATE TABLE entry (
                position INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, call_id TEXT NOT NULL, body TEXT NOT NULL,
                spooled_at INTEGER NOT NULL DEFAULT (unixepoch()));
            CREATE INDEX entry_call ON entry (call_id)
            """);
        foreach (var (kind, call, body) in entries)
        {
            Execute(connection, $"INSERT INTO entry (kind, call_id, body) VALUES ({kind}, '{call}', '{body}')");
        }
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
