using System.Globalization;
using LlmAspire.Benchmarks;
using Spectre.Console;

const int DefaultEvents = 100_000;
const int DefaultConversations = 1_000;
const int DefaultCalls = 10_000_000;
const int DefaultSample = 12_000;
const int DefaultSeconds = 20;

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
    case ["seed", var connectionString, ..] when args.Length <= 3 && (args.Length == 2 || int.TryParse(args[2], out var calls) && calls > 0):
        var filled = await new SampleMonth(connectionString, TimeProvider.System).FillAsync(args.Length == 2 ? DefaultSample : int.Parse(args[2], CultureInfo.InvariantCulture), CancellationToken.None);
        AnsiConsole.WriteLine($"{filled:N0} calls of the last 30 days are in the ledger, of the demo organisations.");
        return 0;
    case ["openai", ..] when args.Length <= 2 && number >= 0:
        await OpenAiBenchmark.RunAsync(TimeSpan.FromSeconds(number == 0 ? DefaultSeconds : number), AnsiConsole.Console);
        return 0;
    case ["answers"]:
        AnswerBenchmark.Run(AnsiConsole.Console);
        return 0;
    // A process of the benchmark openai.
    case [BareProxy.Command, var url, var target]:
        await BareProxy.RunAsync(url, target);
        return 0;
    default:
        AnsiConsole.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- ledger [EVENTS, {DefaultEvents} unless given]");
        AnsiConsole.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- conversations [CONVERSATIONS, {DefaultConversations} unless given]");
        AnsiConsole.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- reports [CALLS, {DefaultCalls} unless given]");
        AnsiConsole.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- seed CONNECTION_STRING [CALLS, {DefaultSample} unless given]");
        AnsiConsole.WriteLine($"dotnet run -c Release --project tests/Benchmarks -- openai [SECONDS of each measurement, {DefaultSeconds} unless given]");
        AnsiConsole.WriteLine("dotnet run -c Release --project tests/Benchmarks -- answers");
        return 2;
}
