using LlmAspire.TestPostgres;
using LlmAspire.UsageWorker.Retention;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace LlmAspire.UsageWorker.Tests;

/// <summary>What the worker deletes by itself. That each table has a bound, and what is old in it, is tested with the Api, which has all tables.</summary>
public class OldRowsWorkerTests(PostgresFixture postgres)
{
    [Fact]
    public async Task rejected_events_are_kept_for_a_year_and_never_deleted_without_a_word()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using (var before = await WorkerHost.StartAsync(connectionString, worker: false))
        {
            await before.ScalarAsync("""
                INSERT INTO ledger.usage_rejected (event, reason, sqlstate, rejected_at)
                SELECT '{}', days::text, '23514', now() - days * interval '1 day' FROM unnest(ARRAY[1, 364, 366, 800]) AS days;
                INSERT INTO ledger.reconciliation_day
                SELECT day, day::timestamp AT TIME ZONE 'UTC' + interval '1 day', now(), now(), 0
                FROM (SELECT (now() AT TIME ZONE 'UTC')::date - days FROM unnest(ARRAY[1, 399, 402, 800]) AS days) AS past (day)
                """);
        }

        await using var host = await WorkerHost.StartAsync(connectionString);
        await WorkerHost.WaitAsync(async () => await host.ScalarAsync("SELECT count(*) FROM ledger.reconciliation_day") is 2L);

        Assert.Equal("1 364", await host.ScalarAsync("SELECT string_agg(reason, ' ' ORDER BY id) FROM ledger.usage_rejected"));
        Assert.Contains(
            (LogLevel.Warning, "Deleted 2 events that could not be booked and were rejected more than 365 days ago (Retention:RejectedEvents)"), host.LogOf<OldRowsWorker>());
    }

    [Theory]
    [InlineData("Months", "0")]
    [InlineData("RejectedEvents", "00:00:01")]
    [InlineData("RejectedEvents", "40000.00:00:00")]
    [InlineData("Comparisons", "91.00:00:00")]
    [InlineData("HourlyRollups", "30.00:00:00")]
    [InlineData("Interval", "00:00:00")]
    public async Task a_setting_that_is_not_possible_is_refused_at_the_start(string setting, string value)
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(async () => await WorkerHost.StartAsync("Host=127.0.0.1;Port=1", settings: ($"Retention:{setting}", value)));

        Assert.Equal([RetentionOptions.WhatIsPossible], refused.Failures);
    }
}
