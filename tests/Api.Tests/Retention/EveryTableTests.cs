using System.Globalization;
using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Development;
using LlmAspire.Api.Tests.Identity;
using LlmAspire.Usage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace LlmAspire.Api.Tests.Retention;

/// <summary>No table grows for ever without somebody having said so: looks at every table of a migrated database.</summary>
public class EveryTableTests(AccountsFixture fixture) : IClassFixture<AccountsFixture>
{
    /// <summary>To come: what the Api deletes by itself meanwhile is older.</summary>
    private static readonly DateTimeOffset Before = new(2090, 6, 15, 0, 0, 0, TimeSpan.Zero);

    private static readonly Guid Account = DemoAccounts.All[0].Id;

    private static readonly Guid Organisation = DemoAccounts.Organisations[0].Id;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static IEnumerable<TableBound> Bounds => [.. LedgerTables.All, .. TenantTables.All];

    private NpgsqlDataSource Source => fixture.Api.Services.GetRequiredService<NpgsqlDataSource>();

    public static TheoryData<string> Aged => [.. Bounds.Where(table => table.IsOld is not null).Select(table => table.Name)];

    [Fact]
    public async Task somebody_has_said_of_every_table_what_bounds_it()
    {
        await fixture.QueryAsync<object>("CREATE TABLE IF NOT EXISTS public.nobody_thought_of_it (); SELECT 1");

        Assert.Equal(["public.nobody_thought_of_it"], (await ReadTablesAsync()).Except(Bounds.Select(table => table.Name)));
        Assert.Empty(Bounds.Select(table => table.Name).Except(await ReadTablesAsync()));
        Assert.Distinct(Bounds.Select(table => table.Name));
        Assert.All(Bounds, table => Assert.NotEqual("", table.Bound));
    }

    [Fact]
    public async Task the_documentation_says_the_same_of_each()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "LlmAspire.sln")))
        {
            root = root.Parent!;
        }

        var lines = await File.ReadAllLinesAsync(Path.Combine(root.FullName, "docs", "configuration.md"), Token);

        Assert.Equal(
            Bounds.Select(table => $"| `{table.Name}` | {table.Bound} |").Order(StringComparer.Ordinal),
            lines.Where(line => line.StartsWith("| `ledger.", StringComparison.Ordinal) || line.StartsWith("| `tenant.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Aged))]
    public async Task what_is_older_than_it_is_kept_goes_and_what_is_younger_stays(string name)
    {
        var table = Bounds.Single(bound => bound.Name == name);
        var old = await AddAsync(name, Before.AddDays(-1));
        var young = await AddAsync(name, Before.AddDays(1));
        Assert.Equal((old.Count, young.Count), (await CountAsync(old), await CountAsync(young)));
        var removed = 0L;

        await OldRows.RemoveAsync(Source, table, Before, count => removed = count, Token);

        Assert.Equal(0, await CountAsync(old));
        Assert.Equal(young.Count, await CountAsync(young));
        Assert.Equal(1, removed);
    }

    /// <summary>Adds a row whose time is over at a moment, with what goes with it.</summary>
    /// <returns>Statements that count what was added: 1 each, and 0 when it is gone.</returns>
    private async Task<List<string>> AddAsync(string table, DateTimeOffset over)
    {
        var (id, at) = (Guid.NewGuid(), over.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'+00'", CultureInfo.InvariantCulture));
        (string Insert, string[] Count) row = table switch
        {
            "ledger.usage_rejected" => (
                $"INSERT INTO ledger.usage_rejected (event, reason, sqlstate, rejected_at) VALUES ('{{}}', '{id}', '23514', '{at}')",
                [$"ledger.usage_rejected WHERE reason = '{id}'"]),
            "ledger.reconciliation_day" => (
                $"""
                INSERT INTO ledger.reconciliation_day VALUES ('{at}'::date, '{at}'::timestamptz + interval '1 hour', '{at}', '{at}', 1);
                INSERT INTO ledger.reconciliation_result VALUES ('{at}'::date, 'p', 'm', 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 2);
                INSERT INTO ledger.reconciliation_difference VALUES ('{at}'::date, 'p', 'm', 'c', gen_random_uuid(), 'tokens_differ', 1, 1, 1, 1, '{at}')
                """,
                [.. new[] { "day", "result", "difference" }.Select(kind => $"ledger.reconciliation_{kind} WHERE day = '{at}'::date")]),
            "tenant.invitation" => (
                $"""
                INSERT INTO tenant.invitation (id, organisation_id, token_hash, role, created_at, expires_at, used_at)
                VALUES ('{id}', '{Organisation}', decode(replace('{id}', '-', ''), 'hex'), 'member', '{at}', '{at}', NULL)
                """,
                [$"tenant.invitation WHERE id = '{id}'"]),
            "tenant.api_key" => (
                $"""
                INSERT INTO tenant.api_key (id, account_id, name, prefix, hash, created_at, expires_at, revoked_at)
                VALUES ('{id}', '{Account}', 'a', 'llma_', decode(replace('{id}', '-', ''), 'hex'), '{at}', '{at}', NULL)
                """,
                [$"tenant.api_key WHERE id = '{id}'"]),
            _ => throw new InvalidOperationException($"Nobody has said how a row of {table} is made old: add it here."),
        };
        await using var command = Source.CreateCommand(row.Insert);
        await command.ExecuteNonQueryAsync(Token);
        return [.. row.Count.Select(counted => $"SELECT count(*) FROM {counted}")];
    }

    private async Task<long> CountAsync(IEnumerable<string> statements)
    {
        var count = 0L;
        foreach (var statement in statements)
        {
            count += await fixture.QueryAsync<long>(statement);
        }

        return count;
    }

    private async Task<List<string>> ReadTablesAsync()
    {
        // Months of the ledger are parts of their table.
        await using var command = Source.CreateCommand("""
            SELECT table_schema || '.' || table_name FROM information_schema.tables
            WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
                AND format('%I.%I', table_schema, table_name)::regclass NOT IN (SELECT inhrelid FROM pg_inherits)
            ORDER BY 1
            """);
        List<string> tables = [];
        await using var reader = await command.ExecuteReaderAsync(Token);
        while (await reader.ReadAsync(Token))
        {
            tables.Add(reader.GetString(0));
        }

        return tables;
    }
}
