namespace LlmAspire.KillTest.Kills;

/// <summary>How something is taken away.</summary>
internal enum KillKind
{
    Api,
    Worker,
    Gateway,
    PostgresImmediate,
    PostgresKilled,
    ApiFrozen,
    ApiTerminated,
    PostgresStopped,
}

/// <summary>What is taken away, and how; <paramref name="Replica"/> says which one of several.</summary>
internal sealed record Kill(KillKind Kind, int Replica);

/// <summary>Kills of the same moment.</summary>
/// <param name="Pause">Before it.</param>
/// <param name="WaitUntilHealthy">False: the next one comes while what was killed still starts.</param>
internal sealed record KillStep(IReadOnlyList<Kill> Kills, TimeSpan Pause, bool WaitUntilHealthy);

/// <summary>Which kills come in which order: made from a seed, before the first.</summary>
internal static class KillPlan
{
    /// <summary>A freeze takes as long as a few kills.</summary>
    private const int StepsBetweenFreezes = 12;

    private static readonly Kill[] Everything =
    [
        new(KillKind.Api, 0), new(KillKind.Api, 1), new(KillKind.Worker, 0), new(KillKind.Worker, 1), new(KillKind.Gateway, 0),
        new(KillKind.PostgresImmediate, 0), new(KillKind.PostgresKilled, 0),
    ];

    /// <param name="kills">How many processes are killed in all; freezes come on top of it.</param>
    public static IEnumerable<KillStep> Make(int kills, Random random)
    {
        // Each kind once at the beginning: a short run has them all.
        var first = Everything.DistinctBy(kill => kill.Kind).ToArray();
        random.Shuffle(first);
        var queue = new Queue<Kill>(first);
        for (var (step, left) = (0, kills); left > 0 || step <= 1; step++)
        {
            var pause = TimeSpan.FromMilliseconds(random.Next(200, 1500));
            if (step % StepsBetweenFreezes == 1)
            {
                yield return new KillStep([new Kill(KillKind.ApiFrozen, random.Next(2))], pause, WaitUntilHealthy: true);
                continue;
            }

            var size = Math.Min(left, random.NextDouble() switch { < 0.65 => 1, < 0.9 => 2, _ => 3 });
            List<Kill> together = [];
            while (together.Count < size)
            {
                var kill = queue.TryPeek(out var next) ? next : Everything[random.Next(Everything.Length)];
                if (together.Any(other => IsSame(other, kill)))
                {
                    break;
                }

                queue.TryDequeue(out _);
                together.Add(kill);
            }

            left -= together.Count;
            yield return new KillStep(together, pause, WaitUntilHealthy: random.NextDouble() < 0.85);
        }
    }

    /// <summary>There is one PostgreSQL, however it is killed.</summary>
    private static bool IsSame(Kill one, Kill other) => one == other || IsPostgres(one) && IsPostgres(other);

    private static bool IsPostgres(Kill kill) => kill.Kind is KillKind.PostgresImmediate or KillKind.PostgresKilled;
}
