using System.Diagnostics;
using LlmAspire.TestPostgres;
using LlmAspire.UsageWorker.Commands;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;

namespace LlmAspire.UsageWorker.Tests;

public class LedgerCommandTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task verify_finds_and_rebuild_mends()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using var host = await WorkerHost.StartAsync(connectionString);
        for (var i = 0; i < 30; i++)
        {
            await host.Writer.WriteAsync(Calls.Settle(), Cancellation);
        }

        await WorkerHost.WaitAsync(async () => (await host.RowIdsAsync()).Length == 30);

        Assert.Equal((0, "The roll-ups and allowances are what the rows add up to.\n", ""), await RunAsync("verify", connectionString));
        await host.ScalarAsync("UPDATE ledger.allowance SET used_tokens = used_tokens + 1");
        var (exitCode, output, error) = await RunAsync("verify", connectionString);
        Assert.Equal((1, ""), (exitCode, error));
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(21, lines.Length);
        Assert.All(lines[..20], line => Assert.Matches(@"^allowance \([0-9a-f-]{36},\d{4}-\d{2}-01\): has \(47,0\), the rows add up to \(46,0\)$", line));
        Assert.Equal("30 sums differ from the rows. The command rebuild makes them again.", lines[20]);
        Assert.Equal((0, "Made 90 sums again.\n", ""), await RunAsync("rebuild", connectionString));
        Assert.Equal(0, (await RunAsync("verify", connectionString)).ExitCode);
    }

    [Theory]
    [InlineData("verify")]
    [InlineData("rebuild")]
    public async Task what_cannot_be_done_says_why_with_exit_code_2(string command)
    {
        var empty = await postgres.CreateDatabaseAsync();
        (string? ConnectionString, string Reason)[] cases =
        [
            (null, "No connection string was given: set ConnectionStrings__llm.\n"),
            ("nonsense", "The connection string is none: "),
            ("Host=127.0.0.1;Port=1;Timeout=3", "PostgreSQL does not answer: Connection refused"),
            (empty, "There is no ledger, or one that is not up to date "),
            (await postgres.ReserveDatabaseAsync(), "There is no ledger, or one that is not up to date "),
            (empty + ";Password=wrong;Pooling=false", "PostgreSQL refused: password authentication failed"),
        ];
        foreach (var (connectionString, reason) in cases)
        {
            var (exitCode, output, error) = await RunAsync(command, connectionString);
            Assert.Equal((2, ""), (exitCode, output));
            Assert.StartsWith(reason, error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task help_and_a_command_that_there_is_not_show_the_usage()
    {
        var (helped, help, _) = await RunAsync("--help", null);
        var (refused, nothing, error) = await RunAsync("very", null);

        Assert.Equal((0, 2, ""), (helped, refused, nothing));
        Assert.StartsWith("Usage: UsageWorker [verify | rebuild | demo-month]", help, StringComparison.Ordinal);
        Assert.Equal($"There is no command 'very'.\n{help}", error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(false, "--urls", "http://127.0.0.1:0")]
    [InlineData(true, "--help")]
    [InlineData(true, "verify")]
    [InlineData(true, "very", "--urls", "http://127.0.0.1:0")]
    public void settings_alone_run_the_worker(bool isCommand, params string[] args) => Assert.Equal(isCommand, LedgerCommand.IsNamedIn(args));

    [Fact]
    public async Task the_program_itself_takes_commands()
    {
        var connectionString = await postgres.CreateDatabaseAsync();
        await using (await WorkerHost.StartAsync(connectionString, worker: false))
        {
        }

        var start = new ProcessStartInfo("dotnet", [typeof(LedgerCommand).Assembly.Location, "verify", "--ConnectionStrings:llm", connectionString])
        {
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);

        Assert.Equal((0, "The roll-ups and allowances are what the rows add up to."), (process.ExitCode, output.Trim()));
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string command, string? connectionString)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("ConnectionStrings:llm", connectionString)]).Build();
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        var exitCode = await new LedgerCommand(configuration, new HostingEnvironment { EnvironmentName = Environments.Development }, output, error).RunAsync(command, Cancellation);
        return (exitCode, output.ToString(), error.ToString());
    }
}
