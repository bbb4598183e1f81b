namespace LlmAspire.KillTest.Load;

/// <summary>What one person asks. Not safe to use concurrently.</summary>
internal sealed class Questions(Random random)
{
    private static readonly string[] Subjects =
        ["row locking in PostgreSQL", "how rain forms", "the history of the printing press", "binary search", "the tides", "tax on books", "sourdough bread"];

    // Markers of the demo gateway, see its README. Usage in whatever form is exact; without any it has to be estimated.
    private static readonly string[] Forms = ["usage=cumulative", "usage=repeated", "usage=late", "usage=mid", "usage=none", "error=9", "reset=7", "eof=11"];

    private const string Refusal = "status=500";

    public TimeSpan Pause() => TimeSpan.FromMilliseconds(random.Next(1000));

    public T Pick<T>(IReadOnlyList<T> items) => items[random.Next(items.Count)];

    public Question Next(Person asker)
    {
        var length = random.NextDouble() < 0.2 ? random.Next(100, 250) : random.Next(10, 80);
        var answer = $"length={length} pace={random.Next(20, 60)}";
        var demo = random.NextDouble() switch
        {
            < 0.02 => Refusal,
            < 0.2 => $"{answer} {Pick(Forms)}",
            _ => answer,
        };
        var question = new Question(asker, Pick(asker.Models), $"{(random.NextDouble() < 0.3 ? Preface() : "")}Explain {Pick(Subjects)}. <<demo {demo}>>");
        return random.NextDouble() switch
        {
            < 0.12 => question with { StopAfter = random.Next(1, 60) },
            < 0.24 => question with { LeaveAfter = random.Next(1, 60) },
            _ => question,
        };
    }

    /// <summary>Long enough for the provider to have it in its cache.</summary>
    private string Preface() =>
        string.Concat(Enumerable.Repeat($"It is known that {Pick(Subjects)} has been looked at for a long time. ", random.Next(3, 12)));
}
