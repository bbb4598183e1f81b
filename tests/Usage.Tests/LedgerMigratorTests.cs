using LlmAspire.TestPostgres;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace LlmAspire.Usage.Tests;

public class LedgerMigratorTests(PostgresFixture postgres)
{
    [Fact]
    public async Task four_migrators_at_once_on_an_empty_server_make_one_schema()
    {
        var connectionString = await postgres.ReserveDatabaseAsync();

        var hosts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => LedgerHost.StartAsync(connectionString)));
        await Task.WhenAll(hosts.Select(host => host.Readiness.WhenReadyAsync(TestContext.Current.CancellationToken)));

        await using var scope = hosts[0].Services.CreateAsyncScope();
        var migrations = scope.ServiceProvider.GetRequiredService<LedgerContext>().Database.GetMigrations();
        Assert.Equal((long)migrations.Count(), await hosts[0].ScalarAsync("SELECT count(*) FROM ledger.migrations"));
        Assert.Equal("p", await hosts[0].ScalarAsync("SELECT relkind::text FROM pg_class WHERE oid = 'ledger.llm_usage'::regclass"));
        foreach (var host in hosts)
        {
            Assert.Equal([], host.LogAt(LogLevel.Error));
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task the_schema_is_what_the_model_says()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        await using var scope = host.Services.CreateAsyncScope();
        var context = scope.ServiceProvider.GetRequiredService<LedgerContext>();
        Assert.False(context.Database.HasPendingModelChanges());

        var tables = context.GetService<IDesignTimeModel>().Model.GetRelationalModel().Tables;
        Assert.Equal(
            ["allowance", "api_instance", "llm_usage", "open_call", "usage_rejected", "usage_retention", "usage_rollup_org", "usage_rollup_user"],
            tables.Select(table => table.Name).Order());
        foreach (var table in tables)
        {
            var columns = table.Columns.Select(column => $"{column.Name} {column.StoreType} {(column.IsNullable ? "null" : "not null")}");
            Assert.Equal(columns.Order(), await ListAsync(context, $"""
                SELECT attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE ' null' END AS "Value"
                FROM pg_attribute WHERE attrelid = 'ledger.{table.Name}'::regclass AND attnum > 0 AND NOT attisdropped
                """));
            Assert.Equal(table.CheckConstraints.Select(check => check.Name!).Order(), await ListAsync(
                context, $"""SELECT conname AS "Value" FROM pg_constraint WHERE conrelid = 'ledger.{table.Name}'::regclass AND contype = 'c'"""));
            Assert.Equal(table.Indexes.Select(index => index.Name).Append(table.PrimaryKey!.Name).Order(), await ListAsync(
                context, $"""SELECT indexrelid::regclass::text AS "Value" FROM pg_index WHERE indrelid = 'ledger.{table.Name}'::regclass""", "ledger."));
        }
    }

    [Fact]
    public async Task events_that_wait_in_an_inbox_of_json_become_rows_after_the_migration()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        var written = Events.Full();
        await OldLedger.MigrateAsync(connectionString, "20261123045500_OpenCallsAndRollups");
        await OldLedger.ExecuteAsync(
            connectionString, $"INSERT INTO ledger.usage_inbox (event, traceparent) VALUES ({UsageEventJson.Serialize(written)}::jsonb, {written.Traceparent})");

        await using var host = await LedgerHost.ReadyAsync(connectionString);
        await host.IngestAllAsync();

        var row = Assert.Single(await host.RowsAsync());
        Assert.Equal(
            (written.Id, written.ApiKeyId, written.ServedModel, written.CompletionTokens, written.Attempts, written.RawUsage?.GetProperty("prompt_tokens").GetInt64()),
            (row.Id, row.ApiKeyId, row.ServedModel, row.CompletionTokens, row.Attempts, row.RawUsage?.GetProperty("prompt_tokens").GetInt64()));
        Assert.Equal(written.Traceparent!.Split('-')[1], row.TraceId);
    }

    [Fact]
    public async Task roll_ups_from_before_prices_know_their_empty_calls_after_the_migration()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await OldLedger.MigrateAsync(connectionString, "20261123082200_TypedInbox");
        await OldLedger.ExecuteAsync(connectionString, $"""
            SELECT ledger.ensure_usage_partition(ledger.uuid_v7_time('019ca6a0-0000-7000-8000-000000000001'));
            INSERT INTO ledger.llm_usage (
                id, created_at, request_id, user_id, org_id, operation, model_alias, provider, served_model, prompt_tokens, completion_tokens,
                cached_prompt_tokens, source, outcome, duration_ms)
            SELECT id, ledger.uuid_v7_time(id), id, org, org, 'chat', 'm', provider, provider, tokens, 0, 9, 'provider', 'completed', 0
            FROM (VALUES
                (uuid '019ca6a0-0000-7000-8000-000000000001', uuid '019ca6a0-0000-7000-8000-0000000000aa', 'openai', 0),
                (uuid '019ca6a0-0000-7000-8000-000000000002', uuid '019ca6a0-0000-7000-8000-0000000000aa', 'openai', 5),
                (uuid '019ca6a0-0000-7000-8000-000000000003', uuid '019ca6a0-0000-7000-8000-0000000000aa', NULL, 0)) AS call (id, org, provider, tokens);
            INSERT INTO ledger.usage_rollup_user
            SELECT date_trunc('hour', created_at, 'UTC'), org_id, operation, model_alias, coalesce(provider, ''), coalesce(served_model, ''), source, outcome,
                user_id, count(*), sum(prompt_tokens), 0, sum(cached_prompt_tokens), 0, 0, 0, 0
            FROM ledger.llm_usage GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;
            INSERT INTO ledger.usage_rollup_org
            SELECT hour, org_id, operation, model_alias, provider, served_model, source, outcome, calls, prompt_tokens, 0, cached_prompt_tokens, 0, 0, 0, 0
            FROM ledger.usage_rollup_user;
            INSERT INTO ledger.allowance
            SELECT org_id, date_trunc('month', hour AT TIME ZONE 'UTC')::date, sum(prompt_tokens), 0 FROM ledger.usage_rollup_org GROUP BY 1, 2
            """);

        await using var host = await LedgerHost.ReadyAsync(connectionString);

        Assert.Equal("1/1 1/2", await host.ScalarAsync("SELECT string_agg(empty_calls || '/' || calls, ' ' ORDER BY calls) FROM ledger.usage_rollup_org"));
        Assert.Equal([], await host.Sums.VerifyAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task the_time_of_an_id_is_the_same_in_sql_and_in_the_event()
    {
        await using var host = await LedgerHost.ReadyAsync(await postgres.CreateDatabaseAsync());
        foreach (var time in (DateTimeOffset[])[DateTimeOffset.UnixEpoch, new(2026, 2, 28, 23, 59, 59, 999, TimeSpan.Zero), DateTimeOffset.UtcNow, new(9999, 12, 31, 23, 59, 59, TimeSpan.Zero)])
        {
            var usageEvent = Events.Plain(Guid.CreateVersion7(time));

            Assert.Equal(usageEvent.CreatedAt.UtcDateTime, await host.ScalarAsync($"SELECT ledger.uuid_v7_time('{usageEvent.Id}')"));
        }
    }

    [Fact]
    public async Task a_service_that_starts_before_postgresql_becomes_ready_by_itself()
    {
        await using var ownPostgres = new PostgresFixture();
        var server = await ownPostgres.GetServerAsync();
        var connectionString = await ownPostgres.ReserveDatabaseAsync();
        await server.StopAsync();

        await using var host = await LedgerHost.StartAsync(connectionString);
        await LedgerHost.WaitAsync(() => Task.FromResult(host.LogAt(LogLevel.Information).Any(line => line.Contains("not ready yet", StringComparison.Ordinal))));
        Assert.Equal(HealthStatus.Unhealthy, await HealthAsync(host));

        await server.StartAsync(TestContext.Current.CancellationToken);
        await host.Readiness.WhenReadyAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HealthStatus.Healthy, await HealthAsync(host));
        Assert.DoesNotContain(host.LogAt(LogLevel.Error), line => !line.Contains("Health check", StringComparison.Ordinal));

        // It has a spool: it can go on for a while.
        await server.StopAsync();
        Assert.Equal(HealthStatus.Degraded, await HealthAsync(host));
    }

    [Fact]
    public async Task a_service_whose_ledger_is_not_there_stops_at_once()
    {
        await using var ownPostgres = new PostgresFixture();
        var connectionString = await ownPostgres.ReserveDatabaseAsync();
        await (await ownPostgres.GetServerAsync()).StopAsync();
        var host = await LedgerHost.StartAsync(connectionString);

        // It neither waits for the server nor for the host to lose its patience, after 30 s.
        await host.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task a_wrong_password_is_an_error_in_the_log_and_tried_again()
    {
        var connectionString = await postgres.CreateDatabaseAsync() + ";Password=wrong";

        await using var host = await LedgerHost.StartAsync(connectionString);

        await LedgerHost.WaitAsync(() => Task.FromResult(host.LogAt(LogLevel.Error).Count(line => line.Contains("28P01", StringComparison.Ordinal)) >= 2));
        Assert.False(host.Readiness.IsReady);
    }

    [Fact]
    public async Task a_test_whose_ledger_never_gets_ready_fails_with_the_hosts_own_reason()
    {
        var connectionString = await postgres.CreateDatabaseAsync() + ";Password=wrong";

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => LedgerHost.ReadyAsync(connectionString));

        Assert.Contains("28P01", failure.Message, StringComparison.Ordinal);
    }

    private static async Task<HealthStatus> HealthAsync(LedgerHost host) =>
        (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync(TestContext.Current.CancellationToken)).Status;

    private static async Task<List<string>> ListAsync(DbContext context, string sql, string prefix = "")
    {
        var names = await context.Database.SqlQueryRaw<string>(sql).ToListAsync(TestContext.Current.CancellationToken);
        return [.. names.Select(name => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name).Order()];
    }
}
