using LlmAspire.Usage;
using Npgsql;

namespace LlmAspire.UsageWorker.Sums;

/// <summary>
/// <c>verify</c> and <c>rebuild</c>: hold the roll-ups and allowances against the ledger's rows, or make them again. The exit code is 0 when all is
/// well, 1 when <c>verify</c> found differences, 2 when the command could not be carried out.
/// </summary>
internal sealed class SumsCommand(IConfiguration configuration, TextWriter output, TextWriter error)
{
    private const int Fine = 0;
    private const int Different = 1;
    private const int NotDone = 2;

    private const int MostLines = 20;

    private const string Usage = """
        Usage: UsageWorker [verify | rebuild] [--Setting:Name value]...

          (nothing)  runs the worker
          verify     compares the roll-ups and allowances with the ledger's rows; exit code 1 and the differences when they are not the same
          rebuild    makes the roll-ups and allowances again from the rows; hours whose rows were dropped stay as they are

        The connection string is the setting ConnectionStrings:llm, as an environment variable ConnectionStrings__llm.
        """;

    /// <summary>Whether the arguments name a command; settings alone run the worker.</summary>
    public static bool IsNamedIn(string[] args) => args is ["--help" or "-h", ..] || args is [var first, ..] && !first.StartsWith('-');

    public static Task<int> RunAsync(string[] args)
    {
        var settings = Host.CreateApplicationBuilder(args[1..]).Configuration;
        return new SumsCommand(settings, Console.Out, Console.Error).RunAsync(args[0], CancellationToken.None);
    }

    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string command, CancellationToken cancellationToken)
    {
        if (command is "--help" or "-h")
        {
            await output.WriteLineAsync(Usage);
            return Fine;
        }

        if (command is not ("verify" or "rebuild"))
        {
            await error.WriteLineAsync($"There is no command '{command}'.\n{Usage}");
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
            var sums = new UsageSums(source);
            return command == "verify" ? await VerifyAsync(sums, cancellationToken) : await RebuildAsync(sums, cancellationToken);
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
}
