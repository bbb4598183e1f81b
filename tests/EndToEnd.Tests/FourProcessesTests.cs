using Aspire.Hosting.Testing;
using Npgsql;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>Everything that brings the schema up to date, at once, where there is not even a database.</summary>
public sealed class FourProcessesTests(StackFixture stack)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task two_apis_and_two_workers_started_at_once_become_healthy_and_make_one_schema()
    {
        var one = await stack.App.GetConnectionStringAsync("llm", Cancellation);
        var database = new NpgsqlConnectionStringBuilder(one) { Database = $"four_{Guid.NewGuid():N}" };
        var gateway = stack.App.GetEndpoint("litellm", "http");
        ServiceProcess[] services = [.. new[] { "Api", "UsageWorker", "Api", "UsageWorker" }.Select(name => new ServiceProcess(name, new()
        {
            ["ConnectionStrings__llm"] = database.ConnectionString,
            ["LLM_BASE_URL"] = gateway.ToString(),
            ["LLM_API_KEY"] = "sk-end-to-end",
        }))];
        try
        {
            await Task.WhenAll(services.Select(service => service.WaitUntilHealthyAsync()));
            Assert.Equal(await MigrationsAsync(one!), await MigrationsAsync(database.ConnectionString));

            foreach (var service in services)
            {
                await service.TerminateAsync();
                Assert.True(service.ExitCode == 0, service.Output);
                Assert.DoesNotContain("fail: ", service.Output, StringComparison.Ordinal);
                Assert.DoesNotContain("crit: ", service.Output, StringComparison.Ordinal);
                // Only the database itself may be made by two at once: its migrations are each one's turn.
                Assert.DoesNotMatch(@"is not ready yet \(42(?!P04)", service.Output);
            }
        }
        finally
        {
            foreach (var service in services)
            {
                service.Dispose();
            }
        }
    }

    private static async Task<List<string>> MigrationsAsync(string connectionString)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand("SELECT migration_id FROM ledger.migrations ORDER BY 1");
        List<string> migrations = [];
        await using var reader = await command.ExecuteReaderAsync(Cancellation);
        while (await reader.ReadAsync(Cancellation))
        {
            migrations.Add(reader.GetString(0));
        }

        Assert.NotEmpty(migrations);
        return migrations;
    }
}
