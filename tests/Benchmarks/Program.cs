using LlmAspire.Benchmarks;
using Spectre.Console;

const int DefaultEvents = 100_000;
const int DefaultConversations = 1_000;
const int DefaultCalls = 10_000_000;

// Where the output is a file, 80 columns would break the lines.
AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 140);
var number = args.Length < 2 ? 0 : int.TryParse(args[1], out var given) && given > 0 ? given : -1;
switch (args)
{
    case ["ledger", ..] when args.Length <= 2 && number >= 0:
        await LedgerBenchmark.RunAsync(number == 0 ? DefaultEvents : number, AnsiConsole.Console);
        return 0;
    case ["conversations", ..] when args.Length <= 2 && number >= 0:
        await ConversationBenchmark.RunAsync(number == 0 ? DefaultConversations : number, AnsiConsole.Console);
        return 0;
    case ["reports", ..] when args.Length <= 2 && number >= 0:
        await ReportBenchmark.RunAsync(number == 0 ? DefaultCalls : number, AnsiConsole.Console);
        return 0;
    default:
        AnsiConsole.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- ledger [EVENTS, {DefaultEvents} unless given]");
        AnsiConsole.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- conversations [CONVERSATIONS, {DefaultConversations} unless given]");
        AnsiConsole.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- reports [CALLS, {DefaultCalls} unless given]");
        return 2;
}
