using System.Globalization;
using LlmAspire.KillTest.Kills;
using LlmAspire.KillTest.Load;
using LlmAspire.KillTest.Reconciliation;
using Spectre.Console;

namespace LlmAspire.KillTest;

/// <summary>What a run found.</summary>
internal sealed record KillReport
{
    /// <summary>Enough to see what is wrong; the rest is of the same kind.</summary>
    private const int ListedLines = 20;

    public required KillOptions Options { get; init; }

    /// <summary>From the first blow to the last recovery.</summary>
    public required TimeSpan Duration { get; init; }

    public required IReadOnlyDictionary<KillKind, int> Kills { get; init; }

    public required int KilledTogether { get; init; }

    public required IReadOnlyList<SeenAnswer> Answers { get; init; }

    public required Findings Findings { get; init; }

    public required IReadOnlyList<string> SumDifferences { get; init; }

    /// <summary>Null when nobody's allowance was in reach.</summary>
    public required AllowanceFindings? Allowances { get; init; }

    /// <summary>What the product's own verification says.</summary>
    public required (int? ExitCode, string Output) Verified { get; init; }

    public required Leftovers Left { get; init; }

    public required IReadOnlyList<string> Rejected { get; init; }

    /// <summary>What the scenario was promised and did not get.</summary>
    public required IReadOnlyList<string> BrokenPromises { get; init; }

    public required IReadOnlyList<string> Notes { get; init; }

    public bool IsGood => Problems.All(problem => problem.Lines.Count == 0);

    private int Hung => Answers.Count(answer => answer.Hung);

    /// <summary>Everything that has to be nothing.</summary>
    private IReadOnlyList<(string Name, IReadOnlyList<string> Lines)> Problems =>
    [
        ("lost", Findings.Lost),
        ("duplicated", Findings.Duplicated),
        ("wrong", Findings.Wrong),
        ("sums that are not the rows'", SumDifferences),
        ("allowances not kept", Allowances?.Broken ?? []),
        ("rejected", Rejected),
        ("left over", Left.Any ? [Left.ToString()] : []),
        ("verify", Verified.ExitCode == 0 ? [] : [$"exit code {Verified.ExitCode}: {Verified.Output}"]),
        ("clients that wait for ever", Hung == 0 ? [] : [$"{Hung}"]),
        ("broken promises", BrokenPromises),
    ];

    public void Print(IAnsiConsole console)
    {
        PrintKills(console);
        PrintClients(console);
        PrintTokens(console);
        PrintAllowances(console);
        PrintProblems(console);
        foreach (var note in Notes)
        {
            console.WriteLine(note);
        }

        foreach (var (name, lines) in Problems)
        {
            foreach (var line in lines.Take(ListedLines))
            {
                console.WriteLine($"{name}: {line}");
            }
        }
    }

    private void PrintKills(IAnsiConsole console)
    {
        var table = NewTable($"{Options.Scenario}, seed {Options.Seed}, {Duration.TotalSeconds:0} s", "what was done", "times");
        foreach (var (kind, count) in Kills.OrderBy(kill => kill.Key))
        {
            table.AddRow(Name(kind), Text(count));
        }

        table.AddRow("of these together with others", Text(KilledTogether));
        console.Write(table);
    }

    private void PrintClients(IAnsiConsole console)
    {
        var table = NewTable("What the clients saw", "end", "chats");
        foreach (var (end, count) in Answers.CountBy(End).OrderByDescending(end => end.Value))
        {
            table.AddRow(Markup.Escape(end), Text(count));
        }

        table.AddRow("in all", Text(Answers.Count));
        console.Write(table);
    }

    private void PrintTokens(IAnsiConsole console)
    {
        var table = NewTable("Served calls, and what the ledger says of them", "row", "calls", "tokens served", "in the ledger", "short of", "%");
        foreach (var kind in Findings.Tokens)
        {
            table.AddRow($"{kind.Outcome}, {kind.Source}", Text(kind.Calls), Text(kind.Served), Text(kind.Ledger), Text(kind.Shortfall), Share(kind.Shortfall, kind.Served));
        }

        var (served, ledger) = (Findings.Tokens.Sum(kind => kind.Served), Findings.Tokens.Sum(kind => kind.Ledger));
        table.AddRow("in all", Text(Findings.Tokens.Sum(kind => kind.Calls)), Text(served), Text(ledger), Text(served - ledger), Share(served - ledger, served));
        console.Write(table);
        foreach (var (outcome, count) in Findings.Unserved.OrderBy(unserved => unserved.Key))
        {
            console.WriteLine($"{count} rows {outcome}, never served");
        }
    }

    private void PrintAllowances(IAnsiConsole console)
    {
        if (Allowances is null)
        {
            return;
        }

        var table = NewTable(
            $"Organisations with {Text(LimitedOrganisations.Limit)} tokens a month",
            "organisation", "used", "reserved", "answers", "refused (429)", "of these until next month", "admitted in an outage", "tokens beyond the limit's reach");
        foreach (var one in Allowances.Organisations)
        {
            table.AddRow(one.Name, Text(one.Used), Text(one.Reserved), Text(one.Admitted), Text(one.Refused), Text(one.UsedUp), Text(one.InOutage), Text(one.Excused));
        }

        console.Write(table);
        console.WriteLine($"Looked at {Text(Allowances.Samples)} times during the run: at most {Text(Allowances.Highest)} tokens used and reserved, besides those beyond the limit's reach");
    }

    private void PrintProblems(IAnsiConsole console)
    {
        var table = NewTable("The ledger", "", "");
        table.AddRow("calls served", Text(Findings.Served));
        table.AddRow("rows", Text(Findings.Rows));
        table.AddRow("interrupted rows that a late settle replaced", Text(Findings.Replaced));
        foreach (var (name, lines) in Problems)
        {
            table.AddRow(name, lines.Count == 0 ? "[green]0[/]" : $"[red]{lines.Count}[/]");
        }

        console.Write(table);
    }

    private static string End(SeenAnswer answer) => answer switch
    {
        { Hung: true } => "waited for ever",
        { WentAway: true } => "went away",
        { FinishReason: { } reason } => $"done ({reason})",
        { ErrorCode: { } code, Status: 200 } => $"error event {code}",
        { Status: 200 } => "the stream broke",
        { Status: { } status } => $"{status} {answer.ErrorCode}",
        _ => "no connection",
    };

    private static string Name(KillKind kind) => kind switch
    {
        KillKind.Api => "Api, SIGKILL",
        KillKind.Worker => "worker, SIGKILL",
        KillKind.Gateway => "gateway, SIGKILL",
        KillKind.PostgresImmediate => "PostgreSQL, immediate shutdown",
        KillKind.PostgresKilled => "PostgreSQL, SIGKILL",
        KillKind.ApiFrozen => "Api frozen for longer than the grace",
        KillKind.PostgresStopped => "PostgreSQL stopped for a while",
        KillKind.ApiTerminated => "Api, SIGTERM",
        _ => kind.ToString(),
    };

    private static Table NewTable(string title, params string[] columns)
    {
        var table = new Table { Title = new TableTitle(Markup.Escape(title)) };
        foreach (var (index, column) in columns.Index())
        {
            table.AddColumn(new TableColumn(column) { Alignment = index == 0 ? Justify.Left : Justify.Right });
        }

        return table;
    }

    private static string Text(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Share(long part, long whole) => whole == 0 ? "" : (100.0 * part / whole).ToString("0.00", CultureInfo.InvariantCulture);
}
