using LlmAspire.KillTest.Stack;

namespace LlmAspire.KillTest.Kills;

/// <summary>Carries out a plan. Services are started again by their supervisors; PostgreSQL by this.</summary>
internal sealed class Killer(KillStack stack, Action<string> say)
{
    /// <summary>How long the stack may take to be healthy again, on a slow machine.</summary>
    private static readonly TimeSpan RecoveryPatience = TimeSpan.FromSeconds(60);

    /// <summary>Longer than the sweeper's grace, by enough for it to have swept.</summary>
    private static readonly TimeSpan Freeze = KillStack.Grace + TimeSpan.FromSeconds(3);

    public Dictionary<KillKind, int> Done { get; } = [];

    /// <summary>How many of them came together with others.</summary>
    public int Together { get; private set; }

    /// <exception cref="NotHealthyException">Something did not recover.</exception>
    public async Task RunAsync(IEnumerable<KillStep> plan, CancellationToken cancellationToken)
    {
        foreach (var step in plan)
        {
            await Task.Delay(step.Pause, cancellationToken);
            say(string.Join(", ", step.Kills.Select(kill => kill.Kind)));
            await Task.WhenAll(step.Kills.Select(kill => KillAsync(kill, cancellationToken)));
            foreach (var kill in step.Kills)
            {
                Done[kill.Kind] = Done.GetValueOrDefault(kill.Kind) + 1;
            }

            Together += step.Kills.Count > 1 ? step.Kills.Count : 0;
            if (step.WaitUntilHealthy)
            {
                await stack.WaitUntilHealthyAsync(RecoveryPatience, cancellationToken);
            }
        }

        await stack.WaitUntilHealthyAsync(RecoveryPatience, cancellationToken);
    }

    private async Task KillAsync(Kill kill, CancellationToken cancellationToken)
    {
        switch (kill.Kind)
        {
            case KillKind.Api:
                await stack.Apis[kill.Replica].KillAsync();
                break;
            case KillKind.Worker:
                await stack.Workers[kill.Replica].KillAsync();
                break;
            case KillKind.Gateway:
                await stack.Gateway.KillAsync();
                break;
            case KillKind.PostgresImmediate:
                await stack.Postgres.StopImmediatelyAsync();
                await stack.Postgres.StartAsync(cancellationToken);
                break;
            case KillKind.PostgresKilled:
                await stack.Postgres.KillAsync();
                await stack.Postgres.StartAsync(cancellationToken);
                break;
            case KillKind.ApiFrozen:
                await stack.Apis[kill.Replica].FreezeAsync();
                await Task.Delay(Freeze, cancellationToken);
                await stack.Apis[kill.Replica].ContinueAsync();
                break;
            default:
                throw new InvalidOperationException($"{kill.Kind} cannot be killed.");
        }
    }
}
