using LlmAspire.EmbeddedPostgres;
using LlmAspire.TestPostgres;
using LlmAspire.Usage;
using LlmAspire.UsageWorker.Backlog;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.UsageWorker.Tests;

public class BacklogTests(PostgresFixture postgres)
{
    private static readonly LedgerBacklog Nothing = new(0, TimeSpan.Zero, 0, TimeSpan.Zero, 0);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<LedgerBacklog, HealthStatus, string?> Judgements => new()
    {
        { Nothing, HealthStatus.Healthy, null },
        { new LedgerBacklog(9, TimeSpan.FromSeconds(30), 9, TimeSpan.FromHours(1), 0), HealthStatus.Healthy, null },
        { Nothing with { InboxDepth = 7, InboxLag = TimeSpan.FromSeconds(31) }, HealthStatus.Degraded, "7 events wait in the inbox, the oldest for 31 s." },
        { Nothing with { InboxDepth = 7, InboxLag = TimeSpan.FromSeconds(301) }, HealthStatus.Unhealthy, "7 events wait in the inbox, the oldest for 301 s." },
        { Nothing with { OpenCalls = 3, OldestOpenCall = TimeSpan.FromMinutes(61) }, HealthStatus.Degraded, "Of 3 open calls the oldest has been open for 61 min." },
        { Nothing with { RecentlyRejected = 1 }, HealthStatus.Degraded, "1 events were rejected in the last hour, see ledger.usage_rejected." },
    };

    [Theory]
    [MemberData(nameof(Judgements))]
    public void the_thresholds_decide(LedgerBacklog backlog, HealthStatus status, string? description)
    {
        var result = BacklogHealthCheck.Judge(backlog, new BacklogOptions());

        Assert.Equal((status, description), (result.Status, result.Description));
    }

    [Fact]
    public async Task what_waits_is_read_from_the_tables()
    {
        // No worker: nothing takes it away.
        await using var host = await WorkerHost.StartAsync(await postgres.CreateDatabaseAsync(), worker: false);
        Assert.Equal(Nothing, await LedgerBacklog.ReadAsync(host.Source, Cancellation));
        await host.OpenCallOfTheDeadAsync();
        await host.ScalarAsync("""
            INSERT INTO ledger.usage_inbox (enqueued_at) VALUES (now() - interval '40 s'), (now());
            INSERT INTO ledger.usage_rejected (event, reason, sqlstate, rejected_at)
            VALUES ('{}', 'old', '22000', now() - interval '61 min'), ('{}', 'young', '22000', now() - interval '59 min');
            UPDATE ledger.open_call SET opened_at = now() - interval '2 h'
            """);

        var backlog = await LedgerBacklog.ReadAsync(host.Source, Cancellation);

        Assert.Equal((2, 1, 1), (backlog.InboxDepth, backlog.OpenCalls, backlog.RecentlyRejected));
        Assert.InRange(backlog.InboxLag, TimeSpan.FromSeconds(40), TimeSpan.FromSeconds(70));
        Assert.InRange(backlog.OldestOpenCall, TimeSpan.FromHours(2), TimeSpan.FromHours(2) + TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task a_rejected_event_and_an_old_call_degrade_the_worker_and_the_gauges_show_the_call()
    {
        await using var host = await WorkerHost.StartAsync(
            await postgres.CreateDatabaseAsync(), settings: [("Backlog:Interval", "00:00:00.02"), ("Sweeper:Grace", "1.00:00:00")]);
        using var metrics = new Metrics(host);
        Assert.Equal(HealthStatus.Healthy, (await host.Health.CheckHealthAsync(Cancellation)).Entries["backlog"].Status);

        await host.OpenCallOfTheDeadAsync();
        await host.ScalarAsync("UPDATE ledger.open_call SET opened_at = now() - interval '2 h'");
        await host.Writer.WriteAsync(Calls.Settle() with { DurationMs = -1 }, Cancellation);
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT count(*) FROM ledger.usage_rejected") is 1L);

        var backlog = (await host.Health.CheckHealthAsync(Cancellation)).Entries["backlog"];
        Assert.Equal(
            (HealthStatus.Degraded, "Of 1 open calls the oldest has been open for 120 min. 1 events were rejected in the last hour, see ledger.usage_rejected."),
            (backlog.Status, backlog.Description));
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.ledger.calls.oldest") >= 7200));
        Assert.Equal(1, metrics.Read("llmaspire.ledger.calls.open"));
        // They may be of a look before the event was rejected.
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.ledger.inbox.depth") is 0));
    }

    [Fact]
    public async Task without_postgresql_the_worker_is_unhealthy_and_the_gauges_are_silent()
    {
        await using var ownPostgres = PostgresFixture.CreateDurable();
        var server = await ownPostgres.GetServerAsync();
        await using var host = await WorkerHost.StartAsync(await ownPostgres.CreateDatabaseAsync(), settings: ("Backlog:Interval", "00:00:00.02"));
        using var metrics = new Metrics(host);
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.ledger.calls.open") is 0));

        await server.StopAsync(PostgresStopMode.Immediate);

        var report = await host.Health.CheckHealthAsync(Cancellation);
        Assert.Equal((HealthStatus.Unhealthy, "PostgreSQL does not answer."), (report.Entries["backlog"].Status, report.Entries["backlog"].Description));
        await WorkerHost.WaitAsync(() => Task.FromResult(metrics.Read("llmaspire.ledger.calls.open") is null));
    }
}
