using LlmAspire.TestPostgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlmAspire.Usage.Tests;

/// <summary>What a service says of others: of a worker that tells nothing of itself, and of a clock.</summary>
public class NoticeTests(PostgresFixture postgres)
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_silent_worker_is_noticed_with_since_when_until_it_works_again()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host, "ingestion")).Status);
        await host.Writer.WriteAsync(Events.Plain(), Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host, "ingestion")).Status);

        await host.ScalarAsync("UPDATE ledger.usage_inbox SET enqueued_at = now() - interval '31 s'");
        var since = (string)(await host.ScalarAsync("SELECT to_char(enqueued_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') FROM ledger.usage_inbox"))!;

        var silent = await CheckAsync(host, "ingestion");
        Assert.Equal(HealthStatus.Degraded, silent.Status);
        Assert.StartsWith($"Usage waits to be booked since {since} UTC: usage-worker is away, hangs", silent.Description, StringComparison.Ordinal);

        await host.IngestAllAsync();
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host, "ingestion")).Status);
    }

    [Fact]
    public async Task a_clock_that_is_right_is_no_news()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());

        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(host, "clock")).Status);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(5, null)]
    [InlineData(-5, null)]
    [InlineData(6, "6 s ahead of PostgreSQL's")]
    [InlineData(-3600, "3600 s behind PostgreSQL's")]
    public void a_wrong_clock_is_told_by_how_much_and_which_way(int ahead, string? words)
    {
        var result = ClockHealthCheck.Judge(Noon.AddSeconds(ahead), Noon, Noon.AddSeconds(ahead));

        Assert.Equal(words is null ? HealthStatus.Healthy : HealthStatus.Degraded, result.Status);
        Assert.Contains(words ?? "", result.Description ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void a_slow_answer_is_no_wrong_clock() =>
        Assert.Equal(HealthStatus.Healthy, ClockHealthCheck.Judge(Noon, Noon.AddSeconds(20), Noon.AddSeconds(20)).Status);

    private static async Task<HealthReportEntry> CheckAsync(LedgerHost host, string name)
    {
        var report = await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(check => check.Name == name, Cancellation);
        return report.Entries[name];
    }
}
