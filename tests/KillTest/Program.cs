using LlmAspire.KillTest;
using Spectre.Console;

using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    // The processes that it started have to be stopped.
    key.Cancel = true;
    interrupted.Cancel();
};

return await KillRun.RunAsync(args, AnsiConsole.Console, interrupted.Token);
