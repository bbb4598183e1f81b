using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage.Tests;

public class SpoolTests(PostgresFixture postgres)
{
    private static readonly (string, string) Impatient = ("Usage:PostgresPatience", "00:00:01");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task events_of_an_outage_are_durable_at_once_and_in_the_ledger_after_it()
    {
        await using var own = PostgresFixture.CreateDurable();
        var server = await own.GetServerAsync();
        await using var host = await LedgerHost.ReadyAsync(await own.CreateDatabaseAsync(), Impatient);
        UsageEvent[] events = [.. Enumerable.Range(0, 200).Select(_ => Events.Plain())];
        await host.Writer.WriteAsync(events[0], Cancellation);
        // A busy machine may have been too slow for the patience of this test.
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && !host.Postgres.IsAway));

        await server.StopAsync(PostgresStopMode.Immediate);
        await Task.WhenAll(events[1..].Select(usageEvent => host.Writer.WriteAsync(usageEvent, Cancellation)));

        Assert.Equal(199, host.Spool.Count);
        Assert.Equal((HealthStatus.Degraded, HealthStatus.Degraded), await HealthAsync(host));
        await server.RestartAsync(PostgresStopMode.Immediate, Cancellation);
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && !host.Postgres.IsAway));
        await host.IngestAllAsync();

        Assert.Equal(events.Select(usageEvent => usageEvent.Id).Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
        Assert.Empty(Directory.EnumerateFiles(host.SpoolFolder));
        Assert.Equal((HealthStatus.Healthy, HealthStatus.Healthy), await HealthAsync(host));
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task a_call_whose_usage_is_in_the_spool_is_still_reported_as_running()
    {
        await using var own = new PostgresFixture();
        var server = await own.GetServerAsync();
        await using var host = await LedgerHost.ReadyAsync(await own.CreateDatabaseAsync(), Impatient, ("Usage:ProbeInterval", "01:00:00"));
        var call = Calls.Open();
        await host.Opener.OpenAsync(call, Cancellation);
        await server.StopAsync(PostgresStopMode.Immediate);

        await host.Writer.WriteAsync(call.Settle(), Cancellation);

        Assert.Equal([call.Id], host.Running.Ids());
    }

    [Fact]
    public async Task a_spool_whose_process_is_gone_is_taken_up_and_what_was_only_open_becomes_interrupted()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        var folder = Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}");
        OpenCall[] calls = [Calls.Open(), Calls.Open(), Calls.Open()];
        var path = Path.Combine(Directory.CreateDirectory(folder).FullName, "gone.spool");
        using (var gone = SpoolDatabase.Open(path, 1 << 30))
        {
            gone.Append([.. calls.Select(SpoolEntry.Of)]);
            gone.Append([SpoolEntry.Of(calls[1].Settle())]);
        }

        await using var host = await LedgerHost.ReadyAsync(connectionString, ("Spool:Directory", folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(path)));
        await host.IngestAllAsync();

        var rows = (await host.RowsAsync()).ToDictionary(row => row.Id);
        Assert.Equal(3, rows.Count);
        Assert.Equal((UsageOutcome.Completed, 34L), (rows[calls[1].Id].Outcome, rows[calls[1].Id].CompletionTokens));
        Assert.All([rows[calls[0].Id], rows[calls[2].Id]], row => Assert.Equal((UsageOutcome.Interrupted, UsageSource.None, 0L), (row.Outcome, row.Source, row.PromptTokens)));
        Assert.Equal("0af7651916cd43dd8448eb211c80319c", rows[calls[0].Id].TraceId);
        Assert.Equal([], await host.Sums.VerifyAsync(Cancellation));
    }

    [Fact]
    public async Task the_spool_of_a_process_that_lives_is_left_to_it()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}");
        var path = Path.Combine(Directory.CreateDirectory(folder).FullName, "living.spool");
        using var living = SpoolDatabase.Open(path, 1 << 30);
        living.Append([SpoolEntry.Of(Events.Plain())]);

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", folder));
        Assert.Empty(host.Spool.Adopt());

        Assert.Single(living.Read(0, 10));
    }

    [Fact]
    public async Task a_broken_spool_is_set_aside_loudly_and_holds_nobody_up()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "a.spool"), new string('x', 5000), Cancellation);
        var whole = Path.Combine(folder, "b.spool");
        var usageEvent = Events.Plain();
        using (var gone = SpoolDatabase.Open(whole, 1 << 30))
        {
            gone.Append([SpoolEntry.Of(usageEvent)]);
        }

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(whole)));
        await host.IngestAllAsync();

        Assert.Equal(usageEvent.Id, Assert.Single(await host.RowsAsync()).Id);
        Assert.True(File.Exists(Path.Combine(folder, "a.spool.broken")));
        Assert.Contains(host.LogAt(LogLevel.Critical), line => line.Contains("a.spool.broken", StringComparison.Ordinal));
    }

    [Fact]
    public async Task when_the_spool_is_full_too_calls_are_refused_and_what_waits_is_written_as_soon_as_there_is_room()
    {
        await using var own = new PostgresFixture();
        var server = await own.GetServerAsync();
        await using var host = await LedgerHost.ReadyAsync(await own.CreateDatabaseAsync(), Impatient, ("Spool:MaxBytes", "65536"));
        var known = Calls.Open();
        await host.Opener.OpenAsync(known, Cancellation);
        await server.StopAsync(PostgresStopMode.Immediate);

        // Written one after the other until one does not end: the spool is full.
        List<UsageEvent> events = [];
        List<Task> writes = [];
        do
        {
            events.Add(Events.Full() with { GatewayCallId = new string('x', 4000) });
            writes.Add(host.Writer.WriteAsync(events[^1], Cancellation));
            await LedgerHost.WaitAsync(() => Task.FromResult(writes[^1].IsCompleted || !host.Writer.TakesEvents));
        }
        while (host.Writer.TakesEvents);
        await Assert.ThrowsAsync<LedgerUnavailableException>(() => host.Opener.OpenAsync(Calls.Open(user: known.UserId, org: known.OrgId), Cancellation));
        Assert.Equal(HealthStatus.Unhealthy, (await HealthAsync(host)).Durability);

        await server.RestartAsync(PostgresStopMode.Immediate, Cancellation);
        await Task.WhenAll(writes);
        await LedgerHost.WaitAsync(() => Task.FromResult(host.Spool.Count == 0 && host.Writer.TakesEvents && !host.Postgres.IsAway));
        await host.Opener.OpenAsync(Calls.Open(), Cancellation);
        await host.IngestAllAsync();

        Assert.Equal(events.Select(usageEvent => usageEvent.Id).Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
    }

    [Fact]
    public async Task what_a_killed_process_committed_to_its_spool_is_taken_up_from_the_write_ahead_log()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        var killed = Path.Combine(folder, "killed.spool");
        UsageEvent[] events = [.. Enumerable.Range(0, 20).Select(_ => Events.Plain())];
        using (var running = SpoolDatabase.Open(Path.Combine(folder, "running"), 1 << 30))
        {
            running.Append([.. events.Select(SpoolEntry.Of)]);
            // What the disk holds at this moment is what a SIGKILL leaves: nothing was closed, nothing checkpointed.
            File.Copy(running.Path, killed);
            File.Copy($"{running.Path}-wal", $"{killed}-wal");
        }

        Assert.True(new FileInfo($"{killed}-wal").Length > 0);
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(killed)));
        await host.IngestAllAsync();

        Assert.Equal(events.Select(usageEvent => usageEvent.Id).Order(), (await host.RowsAsync()).Select(row => row.Id).Order());
        Assert.False(File.Exists($"{killed}-wal"));
    }

    [Fact]
    public async Task a_spool_with_a_broken_page_gives_what_can_be_read_is_set_aside_and_holds_nobody_up()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        var broken = Path.Combine(folder, "a.spool");
        UsageEvent[] events = [.. Enumerable.Range(0, 2000).Select(_ => Events.Plain())];
        Spool(broken, events);
        // The file opens: only some of its later pages are lost.
        using (var file = File.OpenWrite(broken))
        {
            file.Seek(file.Length / 2 / 4096 * 4096, SeekOrigin.Begin);
            file.Write(Enumerable.Repeat((byte)0xAA, 40 * 4096).ToArray());
        }

        var whole = Path.Combine(folder, "b.spool");
        var last = Events.Plain();
        Spool(whole, last);

        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync(), ("Spool:Directory", folder));
        await LedgerHost.WaitAsync(() => Task.FromResult(!File.Exists(whole)));
        await host.IngestAllAsync();

        var ids = (await host.RowsAsync()).Select(row => row.Id).ToHashSet();
        Assert.Contains(events[0].Id, ids);
        Assert.Contains(last.Id, ids);
        Assert.DoesNotContain(events[^1].Id, ids);
        Assert.True(File.Exists($"{broken}.broken"));
        Assert.Contains(host.LogAt(LogLevel.Critical), line => line.Contains("a.spool.broken", StringComparison.Ordinal));
    }

    [Fact]
    public void a_settle_takes_the_place_of_its_open_in_the_count_too()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"llmaspire-test-spool-{Guid.NewGuid():N}")).FullName;
        OpenCall[] calls = [Calls.Open(), Calls.Open()];
        using var spool = SpoolDatabase.Open(Path.Combine(folder, "a.spool"), 1 << 30);

        Assert.Equal(2, spool.Append([.. calls.Select(SpoolEntry.Of)]));
        Assert.Equal(1, spool.Append([SpoolEntry.Of(calls[0].Settle()), SpoolEntry.Of(Events.Plain())]));

        var entries = spool.Read(0, 10);
        Assert.Equal([SpoolKind.Open, SpoolKind.Settle, SpoolKind.Settle], entries.Select(entry => entry.Kind));
        Assert.NotNull(spool.Oldest());
        Assert.Equal(2, spool.Delete([.. entries.Take(2)]));
        Assert.Equal(1, spool.Delete(entries));
        Assert.Null(spool.Oldest());
    }

    private static void Spool(string path, params UsageEvent[] events)
    {
        using var spool = SpoolDatabase.Open(path, 1 << 30);
        spool.Append([.. events.Select(SpoolEntry.Of)]);
    }

    private static async Task<(HealthStatus Ledger, HealthStatus Durability)> HealthAsync(LedgerHost host)
    {
        var report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        return (report.Entries["ledger"].Status, report.Entries["durability"].Status);
    }
}
