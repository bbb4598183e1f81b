using LlmAspire.Usage;
using LlmAspire.UsageWorker.Demo;
using Npgsql;

namespace LlmAspire.UsageWorker.Commands;

/// <summary>
/// <c>verify</c> and <c>rebuild</c>: hold the roll-ups and allowances against the ledger's rows, or make them again. <c>demo-month</c>: gives the demo
/// accounts a month of calls. The exit code is 0 when all is well, 1 when <c>verify</c> found differences, 2 when the command could not be carried out.
/// </summary>
internal sealed class LedgerCommand(IConfiguration configuration, IHostEnvironment environment, TextWriter output, TextWriter error)
{
    private const int Fine = 0;
    private const int Different = 1;
    private const int NotDone = 2;

    private const int MostLines = 20;

    private const string Verify = "verify";
    private const string Rebuild = "rebuild";
    private const string DemoMonth = "demo-month";

    private const string Usage = $"""
        Usage: UsageWorker [{Verify} | {Rebuild} | {DemoMonth}] [--Setting:Name value]...

          (nothing)   runs the worker
          {Verify}      compares the roll-ups and allowances with the ledger's rows; exit code 1 and the differences when they are not the same
          {Rebuild}     makes the roll-ups and allowances again from the rows; hours whose rows were dropped stay as they are
          {DemoMonth}  in Development: writes thirty days of calls of the demo accounts into the inbox, each once, however often it is run

        The connection string is the setting ConnectionStrings:llm, as an environment variable ConnectionStrings__llm.
        """;

    /// <summary>Whether the arguments name a command; settings alone run the worker.</summary>
    public static bool IsNamedIn(string[] args) => args is ["--help" or "-h", ..] || args is [var first, ..] && !first.StartsWith('-');

    public static Task<int> RunAsync(string[] args)
    {
        // It reads settings and environment as the worker itself does.
        var builder = WebApplication.CreateBuilder(args[1..]);
        return new LedgerCommand(builder.Configuration, builder.Environment, Console.Out, Console.Error).RunAsync(args[0], CancellationToken.None);
    }

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string command, CancellationToken cancellationToken)
    {
        if (command is "--help" or "-h")
        {
            await output.WriteLineAsync(Usage);
            return Fine;
        }

        if (command is not (Verify or Rebuild or DemoMonth))
        {
            await error.WriteLineAsync($"There is no command '{command}'.\n{Usage}");
            return NotDone;
        }

        if (command == DemoMonth && !environment.IsDevelopment())
        {
            await error.WriteLineAsync($"The command {DemoMonth} runs in Development only: this is {environment.EnvironmentName}, whose ledger holds facts.");
            return NotDone;
        }

        if (configuration.GetConnectionString(LedgerContext.ConnectionName) is not { Length: > 0 } connectionString)
        {
            await error.WriteLineAsync($"No connection string was given: set ConnectionStrings__{LedgerContext.ConnectionName}.");
            return NotDone;
        }

        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            return command switch
            {
                Verify => await VerifyAsync(new UsageSums(source), cancellationToken),
                Rebuild => await RebuildAsync(new UsageSums(source), cancellationToken),
                _ => await FillDemoMonthAsync(new DemoLedger(source, TimeProvider.System), cancellationToken),
            };
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName
            or PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.InvalidCatalogName)
        {
            await error.WriteLineAsync($"There is no ledger, or one that is not up to date ({exception.MessageText}): the worker makes it when it starts.");
        }
        catch (PostgresException exception)
        {
            await error.WriteLineAsync($"PostgreSQL refused: {exception.MessageText} (SQLSTATE {exception.SqlState}).");
        }
        catch (NpgsqlException exception)
        {
            await error.WriteLineAsync($"PostgreSQL does not answer: {exception.GetBaseException().Message}");
        }
        catch (ArgumentException exception)
        {
            await error.WriteLineAsync($"The connection string is none: {exception.Message}");
        }

        return NotDone;
    }

    private async Task<int> VerifyAsync(UsageSums sums, CancellationToken cancellationToken)
    {
        var differences = await sums.VerifyAsync(cancellationToken);
        if (differences.Count == 0)
        {
            await output.WriteLineAsync("The roll-ups and allowances are what the rows add up to.");
            return Fine;
        }

        foreach (var difference in differences.Take(MostLines))
        {
            await output.WriteLineAsync(
                $"{difference.Table} {difference.Key}: has {difference.Kept ?? "nothing"}, the rows add up to {difference.FromRows ?? "nothing"}");
        }

        await output.WriteLineAsync($"{differences.Count} sums differ from the rows. The command rebuild makes them again.");
        return Different;
    }

    private async Task<int> RebuildAsync(UsageSums sums, CancellationToken cancellationToken)
    {
        await output.WriteLineAsync($"Made {await sums.RebuildAsync(cancellationToken)} sums again.");
        return Fine;
    }

    private async Task<int> FillDemoMonthAsync(DemoLedger ledger, CancellationToken cancellationToken)
    {
        if (await ledger.FillAsync(cancellationToken) is not { } filled)
        {
            await error.WriteLineAsync("There are no demo accounts: the Api makes them when it starts in Development without another sign-in.");
            return NotDone;
        }

        await output.WriteLineAsync(filled.Written == 0
            ? $"The ledger has all {filled.Calls} calls of the demo month."
            : $"Wrote {filled.Written} of the {filled.Calls} calls of the demo month into the inbox; the worker books them now.");
        return Fine;
    }
}
