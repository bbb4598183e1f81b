using System.Diagnostics;
using System.Globalization;
using LlmAspire.KillTest.Kills;
using LlmAspire.KillTest.Load;
using LlmAspire.KillTest.Reconciliation;
using LlmAspire.KillTest.Scenarios;
using LlmAspire.KillTest.Stack;
using Spectre.Console;

namespace LlmAspire.KillTest;

/// <summary>
/// One run: starts a stack of its own, has many people chat with it, does to it what the scenario says, waits until everything is settled,
/// and compares what was served with what the ledger says.
/// </summary>
public static class KillRun
{
    /// <summary>Answers before the first blow: everything is warm, and everybody is known.</summary>
    private const int WarmUpAnswers = 10;

    private const int LineWidth = 160;

    /// <summary>How long the ledger may take until nothing is left to do.</summary>
    private static readonly TimeSpan SettlePatience = TimeSpan.FromSeconds(60);

    /// <summary>How long a small allowance may take to be used up, after a run that was too short for it.</summary>
    private static readonly TimeSpan UsedUpPatience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan VerifyPatience = TimeSpan.FromSeconds(60);

    /// <returns>0 when the ledger is right, 1 when it is not, 2 when it could not be tested.</returns>
    public static async Task<int> RunAsync(string[] arguments, IAnsiConsole console, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(Path.GetTempPath(), $"llmaspire-killtest-{Guid.NewGuid():N}");
        try
        {
            if (OperatingSystem.IsWindows())
            {
                throw new KillTestException("There are no signals on Windows: use WSL or a container.");
            }

            // Where the output is a file, 80 columns would break the lines.
            console.Profile.Width = Math.Max(console.Profile.Width, LineWidth);
            var options = KillOptions.Parse(arguments);
            var begun = Stopwatch.GetTimestamp();
            void Say(string text) => console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(begun).TotalSeconds,7:0.0} s  {text}"));

            Directory.CreateDirectory(folder);
            var report = await RunAsync(options, folder, Say, cancellationToken);
            report.Print(console);
            if (report.IsGood && !options.Keep)
            {
                Directory.Delete(folder, recursive: true);
            }
            else
            {
                console.WriteLine($"Logs: {folder}");
            }

            return report.IsGood ? 0 : 1;
        }
        catch (Exception exception)
        {
            // Whatever it is, it says nothing about the ledger.
            console.WriteLine(exception is KillTestException ? exception.Message : exception.ToString());
            if (Directory.Exists(folder))
            {
                console.WriteLine($"Logs: {folder}");
            }

            return 2;
        }
    }

    private static async Task<KillReport> RunAsync(KillOptions options, string folder, Action<string> say, CancellationToken cancellationToken)
    {
        say($"seed {options.Seed}, logs in {folder}");
        await using var stack = await KillStack.StartAsync(folder, ScenarioRun.ApiSettings(options.Scenario), cancellationToken);
        await SabotageTriggers.InstallAsync(options.Sabotage, stack.Postgres.Source, cancellationToken);
        say("everything is healthy");

        using var signIn = new SignIn(stack.Apis[0].Url);
        Person[] known =
        [
            await signIn.DemoAsync("basic", "chat-default", "gemini-default"),
            await signIn.DemoAsync("pro", "chat-default", "claude-default", "fast-reasoning"),
        ];
        // The other Api does not know them: nobody asks there for them before PostgreSQL is away.
        var stranger = await signIn.DemoAsync("enterprise", "chat-default");
        var limited = options.Scenario == Scenario.Kills ? await RegisterLimitedAsync(signIn, LimitedOrganisations.CountFor(options.Kills)) : null;
        await using var watch = limited is null ? null : await AllowanceWatch.StartAsync(stack, limited, cancellationToken);
        await using var load = ChatLoad.Start(stack, known, limited, options.Streams, options.Seed);
        await load.WaitForAnswersAsync(WarmUpAnswers, cancellationToken);
        var scenario = new ScenarioRun(stack, load, stranger, options, say);
        await scenario.RunAsync(cancellationToken);

        if (limited is not null)
        {
            await load.WaitForUsedUpAsync(UsedUpPatience, cancellationToken);
        }

        say($"no more questions, {load.Running} answers are running");
        await load.StopAsync();
        say($"{load.Answers.Count} chats are over");
        var left = await Leftovers.WaitAsync(stack, SettlePatience, cancellationToken);
        say(left.Any ? "not everything was settled" : "everything is settled");

        if (watch is not null)
        {
            await watch.StopAsync();
        }

        var rows = await LedgerRow.ReadAsync(stack.Postgres.Source, cancellationToken);
        SeenAnswer[] answers = [.. load.Answers];
        var verified = await stack.RunWorkerCommandAsync("verify", VerifyPatience);
        return new KillReport
        {
            Options = options,
            Duration = scenario.Duration,
            Kills = scenario.Kills,
            KilledTogether = scenario.KilledTogether,
            Answers = answers,
            Findings = Findings.Compare(await stack.ReadServedAsync(cancellationToken), rows, answers),
            SumDifferences = await LedgerSums.CompareAsync(stack.Postgres.Source, rows, cancellationToken),
            Allowances = limited is null ? null : await AllowanceFindings.CompareAsync(stack, limited, watch!, answers, cancellationToken),
            Verified = verified,
            Left = left,
            Rejected = await RejectedEvents.ReadAsync(stack.Postgres.Source, cancellationToken),
            BrokenPromises =
            [
                .. scenario.BrokenPromises, .. Interrupted(options.Scenario, rows), .. Crashed(stack), .. await UnhealthyAsync(stack, cancellationToken),
            ],
            Notes = scenario.Notes,
        };
    }

    private static async Task<LimitedOrganisations> RegisterLimitedAsync(SignIn signIn, int count)
    {
        List<Person> people = [];
        while (people.Count < count)
        {
            people.Add(await signIn.RegisterAsync($"limited-{people.Count + 1}", "chat-default", "gemini-default"));
        }

        return new LimitedOrganisations(people);
    }

    /// <summary>Nobody dies in these scenarios: who is told to stop settles first.</summary>
    private static IEnumerable<string> Interrupted(Scenario scenario, IReadOnlyList<LedgerRow> rows) =>
        scenario is Scenario.Sigterm or Scenario.Outage or Scenario.SpoolFull && rows.Count(row => row.Outcome == "interrupted") is > 0 and var count
            ? [$"{count} calls are interrupted, but nobody was killed"]
            : [];

    private static IEnumerable<string> Crashed(KillStack stack) =>
        from service in stack.Services
        where service.Crashes > 0
        select $"{service.Name} ended {service.Crashes} times by itself";

    private static async Task<IReadOnlyList<string>> UnhealthyAsync(KillStack stack, CancellationToken cancellationToken)
    {
        List<string> unhealthy = [];
        foreach (var service in stack.Services)
        {
            if (await service.ProbeAsync(cancellationToken) is { Length: > 0 } reason)
            {
                unhealthy.Add($"{service.Name} is not healthy at the end: {reason}");
            }
        }

        return unhealthy;
    }
}
