using LlmAspire.KillTest;
using Spectre.Console;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>A short run of <c>tests/KillTest</c>: each kind of kill once, and an Api that freezes.</summary>
public sealed class KillTests
{
    [Fact]
    public async Task processes_killed_under_load_lose_no_call_double_none_and_change_no_token()
    {
        await using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });

        var exitCode = await KillRun.RunAsync(["--kills", "6", "--streams", "12", "--seed", "6"], console, TestContext.Current.CancellationToken);

        Assert.True(exitCode == 0, output.ToString());
    }
}
