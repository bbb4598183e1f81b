using LlmAspire.Benchmarks;
using Spectre.Console;

// Where the output is a file, 80 columns would break the lines.
AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 140);
if (args is not ["ledger", ..] || args.Length > 2 || !int.TryParse(args.ElementAtOrDefault(1) ?? "100000", out var events) || events < 1)
{
    AnsiConsole.WriteLine("dotnet run -c Release --project tests/Benchmarks -- ledger [EVENTS, 100000 unless given]");
    return 2;
}

await LedgerBenchmark.RunAsync(events, AnsiConsole.Console);
return 0;
