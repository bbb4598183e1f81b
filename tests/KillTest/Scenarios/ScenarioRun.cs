using System.Diagnostics;
using System.Globalization;
using LlmAspire.KillTest.Kills;
using LlmAspire.KillTest.Load;
using LlmAspire.KillTest.Stack;

namespace LlmAspire.KillTest.Scenarios;

/// <summary>Does to a stack under load what a scenario says, and notes what was promised and not kept.</summary>
internal sealed class ScenarioRun(KillStack stack, ChatLoad load, Person strange, KillOptions options, Action<string> say)
{
    /// <summary>What the Apis may reserve while PostgreSQL is away, each.</summary>
    private const long OutageAllowance = 2_000_000;

    /// <summary>
    /// While an Api finds out that PostgreSQL is away (<c>Usage:PostgresPatience</c>, 2 s) its streams may begin before it knows: then a refusal comes as
    /// an event.
    /// </summary>
    private static readonly TimeSpan NoticePatience = TimeSpan.FromSeconds(5);

    /// <summary>What a stream may wait for its usage to be durable: <c>Usage:SettleTimeout</c> (10 s), on a slow machine.</summary>
    private static readonly TimeSpan SettlePatience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan RecoveryPatience = TimeSpan.FromSeconds(60);

    /// <summary>What a stop may take: <c>Usage:ShutdownGrace</c> (20 s), and the settling after it.</summary>
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(40);

    private readonly Dictionary<KillKind, int> _kills = [];
    private readonly List<string> _broken = [];
    private readonly List<string> _notes = [];

    public TimeSpan Duration { get; private set; }

    public IReadOnlyDictionary<KillKind, int> Kills => _kills;

    public int KilledTogether { get; private set; }

    public IReadOnlyList<string> BrokenPromises => _broken;

    public IReadOnlyList<string> Notes => _notes;

    /// <summary>What a scenario wants the Apis to be told.</summary>
    public static IReadOnlyDictionary<string, string> ApiSettings(Scenario scenario) => scenario switch
    {
        // A handful of events fits in.
        Scenario.SpoolFull => new Dictionary<string, string> { ["Spool__MaxBytes"] = "32768" },
        Scenario.Outage or Scenario.OutageApiKilled => new Dictionary<string, string> { ["Usage__OutageAllowance"] = $"{OutageAllowance}" },
        Scenario.Kills => new Dictionary<string, string>
        {
            ["Gateway__MaxOutputTokens"] = $"{LimitedOrganisations.OutputCap}",
            // That of new organisations; the demo accounts' is pro.
            ["Plans__Basic__TokensPerMonth"] = $"{LimitedOrganisations.Limit}",
            ["Identity__AttemptsPerAddress"] = "1000",
        },
        _ => new Dictionary<string, string>(),
    };

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var begun = Stopwatch.GetTimestamp();
        try
        {
            await (options.Scenario switch
            {
                Scenario.Kills => KillAsync(cancellationToken),
                Scenario.Outage or Scenario.OutageApiKilled => OutageAsync(cancellationToken),
                Scenario.SpoolFull => SpoolFullAsync(cancellationToken),
                Scenario.Sigterm => SigtermAsync(cancellationToken),
                _ => throw new KillTestException($"There is no scenario {options.Scenario}."),
            });
        }
        catch (NotHealthyException exception)
        {
            _broken.Add(exception.Message);
        }

        Duration = Stopwatch.GetElapsedTime(begun);
    }

    private async Task KillAsync(CancellationToken cancellationToken)
    {
        var killer = new Killer(stack, say);
        try
        {
            await killer.RunAsync(KillPlan.Make(options.Kills, new Random(options.Seed)), cancellationToken);
        }
        finally
        {
            foreach (var (kind, count) in killer.Done)
            {
                _kills[kind] = count;
            }

            KilledTogether = killer.Together;
        }
    }

    private async Task OutageAsync(CancellationToken cancellationToken)
    {
        var outage = TimeSpan.FromSeconds(options.Seconds);
        var runningBefore = load.Running;
        using var strangerGone = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var from = DateTimeOffset.UtcNow;
        await stack.Postgres.StopAsync();
        Count(KillKind.PostgresStopped);
        say($"PostgreSQL is stopped, {runningBefore} answers are running");
        var stranger = new Stranger(stack, strange);
        var asking = stranger.AskAsync(strangerGone.Token);
        var killedAt = DateTimeOffset.MaxValue;
        if (options.Scenario == Scenario.OutageApiKilled)
        {
            await Task.Delay(outage / 2, cancellationToken);
            killedAt = DateTimeOffset.UtcNow;
            await stack.Apis[0].KillAsync();
            Count(KillKind.Api);
            say($"{stack.Apis[0].Name} was killed, its spool has {stack.SpoolFiles.Count()} files");
            await Task.Delay(outage / 2, cancellationToken);
        }
        else
        {
            await Task.Delay(outage, cancellationToken);
        }

        await strangerGone.CancelAsync();
        await asking;
        say($"PostgreSQL starts; the spools have {stack.SpoolFiles.Count()} files");
        var until = DateTimeOffset.UtcNow;
        await stack.Postgres.StartAsync(cancellationToken);
        await stack.WaitUntilHealthyAsync(RecoveryPatience, cancellationToken);
        // Those that were admitted at the very end of it.
        await load.StopAsync();
        CheckOutage(from, until, killedAt, stranger);
    }

    private void CheckOutage(DateTimeOffset from, DateTimeOffset until, DateTimeOffset killedAt, Stranger stranger)
    {
        // The one that is killed breaks its streams and remembers nobody.
        var killed = stack.Apis[0].Name;
        SeenAnswer[] running = [.. load.Answers.Where(answer => answer.AskedAt < from && answer.EndedAt > from && !(answer.Api == killed && answer.EndedAt > killedAt))];
        SeenAnswer[] asked = [.. load.Answers.Where(answer => answer.AskedAt >= from && answer.AskedAt < until && !(answer.Api == killed && answer.EndedAt > killedAt))];
        Promise(!running.Any(IsCut), $"{running.Count(IsCut)} of {running.Length} running answers did not end well: {Ends(running.Where(IsCut))}");
        var admitted = asked.Count(IsAdmitted);
        Promise(admitted > 0, "no known caller was admitted while PostgreSQL was away");
        SeenAnswer[] refused = [.. asked.Where(answer => !IsAdmitted(answer))];
        Promise(refused.All(IsRefusal), $"known callers were refused otherwise than with 503 ledger_unavailable and Retry-After: {Ends(refused.Where(answer => !IsRefusal(answer)))}");
        SeenAnswer[] served = [.. stranger.Answers.Where(answer => !IsStrangersRefusal(answer) && !IsEarlyRefusal(answer, from))];
        Promise(
            stranger.Answers.Any(IsStrangersRefusal) && served.Length == 0,
            $"of {stranger.Answers.Count} questions of an unknown caller {served.Length} were not refused with 503 and Retry-After: {Ends(served)}");
        // A call reserves at least its output cap.
        var bound = stack.Apis.Count * OutageAllowance / 8192;
        Promise(admitted <= bound, $"{admitted} calls were admitted, but the allowance holds {bound}");
        _notes.Add($"Away for {(until - from).TotalSeconds:0} s: {running.Length} running answers ended, {admitted} new ones were admitted (at most {bound}), {refused.Length} refused; "
            + $"an unknown caller was refused {stranger.Answers.Count} times.");
    }

    private async Task SpoolFullAsync(CancellationToken cancellationToken)
    {
        var from = DateTimeOffset.UtcNow;
        await stack.Postgres.StopAsync();
        Count(KillKind.PostgresStopped);
        say($"PostgreSQL is stopped, {load.Running} answers are running");
        var unready = false;
        for (var deadline = from + TimeSpan.FromSeconds(options.Seconds); DateTimeOffset.UtcNow < deadline;)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            foreach (var api in stack.Apis)
            {
                unready |= (await api.ProbeAsync(cancellationToken)).StartsWith("503", StringComparison.Ordinal);
            }
        }

        say("PostgreSQL starts");
        var until = DateTimeOffset.UtcNow;
        await stack.Postgres.StartAsync(cancellationToken);
        await stack.WaitUntilHealthyAsync(RecoveryPatience, cancellationToken);
        await load.StopAsync();

        SeenAnswer[] told = [.. load.Answers.Where(answer => answer is { Status: 200, ErrorCode: LedgerUnavailable })];
        SeenAnswer[] refused = [.. load.Answers.Where(answer => answer.AskedAt > from && answer.AskedAt < until && IsRefusal(answer))];
        Promise(unready, "no Api became unready");
        Promise(told.Length > 0, "no stream ended with ledger_unavailable");
        Promise(refused.Length > 0, "no new call was refused");
        var waited = told.Max(answer => answer.EndedAt - answer.LastDeltaAt) ?? TimeSpan.Zero;
        Promise(waited < SettlePatience, $"a stream waited for {waited.TotalSeconds:0.0} s for its end");
        _notes.Add($"Away for {(until - from).TotalSeconds:0} s without room to spool: {told.Length} streams ended with {LedgerUnavailable}, at most {waited.TotalSeconds:0.0} s after their last word; {refused.Length} calls were refused.");
    }

    private async Task SigtermAsync(CancellationToken cancellationToken)
    {
        say($"SIGTERM to the Apis, {load.Running} answers are running");
        var from = DateTimeOffset.UtcNow;
        var begun = Stopwatch.GetTimestamp();
        var exits = await Task.WhenAll(stack.Apis.Select(api => api.TerminateAsync(StopPatience)));
        var took = Stopwatch.GetElapsedTime(begun);
        Count(KillKind.ApiTerminated, stack.Apis.Count);
        Promise(exits.All(exit => exit == 0), $"exit codes of the Apis (null: killed after {StopPatience.TotalSeconds:0} s): {string.Join(", ", exits.Select(exit => exit?.ToString(CultureInfo.InvariantCulture) ?? "null"))}");
        foreach (var api in stack.Apis)
        {
            api.Start();
        }

        await stack.WaitUntilHealthyAsync(RecoveryPatience, cancellationToken);
        await load.StopAsync();
        SeenAnswer[] running = [.. load.Answers.Where(answer => answer.AskedAt < from && answer.EndedAt > from)];
        _notes.Add($"The Apis took {took.TotalSeconds:0.0} s to stop; their {running.Length} running answers: {Ends(running)}.");
    }

    private const string LedgerUnavailable = "ledger_unavailable";

    /// <summary>The model was asked, whatever it said.</summary>
    private static bool IsAdmitted(SeenAnswer answer) => answer.Status == 200 || answer.ErrorCode?.StartsWith("provider_", StringComparison.Ordinal) == true;

    private static bool IsRefusal(SeenAnswer answer) => answer is { Status: 503, ErrorCode: LedgerUnavailable, RetryAfter: not null };

    /// <summary>Their key cannot be read.</summary>
    private static bool IsStrangersRefusal(SeenAnswer answer) => IsRefusal(answer) || answer is { Status: 503, ErrorCode: "database_unavailable", RetryAfter: not null };

    private static bool IsEarlyRefusal(SeenAnswer answer, DateTimeOffset outage) =>
        answer is { Status: 200, ErrorCode: LedgerUnavailable, Usages: [], LastDeltaAt: null } && answer.AskedAt < outage + NoticePatience;

    /// <summary>The client stayed, and the answer neither ended nor failed for a reason of the model's.</summary>
    private static bool IsCut(SeenAnswer answer) =>
        answer is { FinishReason: null, WentAway: false } && (answer.ErrorCode is null or LedgerUnavailable or "internal_error");

    private static string Ends(IEnumerable<SeenAnswer> answers) =>
        string.Join(", ", answers.CountBy(answer => $"{answer.Status} {(answer.WentAway ? "went away" : answer.FinishReason ?? answer.ErrorCode)}").Select(end => $"{end.Value} x {end.Key}"));

    private void Promise(bool kept, string otherwise)
    {
        if (!kept)
        {
            _broken.Add(otherwise);
        }
    }

    private void Count(KillKind kind, int times = 1) => _kills[kind] = _kills.GetValueOrDefault(kind) + times;
}
