using System.Runtime.CompilerServices;
using LlmAspire.DemoGateway.DemoModel;
using LlmAspire.DemoGateway.Faults;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Lets an answer come at the pace of a model, and waits where its script says so.</summary>
internal sealed class AnswerPacer(HoldGates gates, TimeProvider time)
{
    /// <summary>The steps, each when it is due. Lateness is made up for, so that timers do not slow a fast pace down.</summary>
    public async IAsyncEnumerable<AnswerStep> PlayAsync(
        IEnumerable<AnswerStep> steps, AnswerPace pace, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var perToken = pace.TokensPerSecond > 0 ? TimeSpan.FromSeconds(1 / pace.TokensPerSecond) : TimeSpan.Zero;
        var due = TimeSpan.FromMilliseconds(pace.TimeToFirstTokenMs);
        foreach (var step in steps)
        {
            // Thinking takes its time before its step ends; what can be seen comes after the wait of the token before it.
            due += step is ReasoningStep ? perToken * step.Tokens : TimeSpan.Zero;
            var wait = due - time.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, time, cancellationToken);
            }

            cancellationToken.ThrowIfCancellationRequested();
            var before = time.GetTimestamp();
            if (Silence(step, cancellationToken) is { } silence)
            {
                // It is not made up for.
                await silence;
                due += time.GetElapsedTime(before);
                continue;
            }

            yield return step;
            due += step is ReasoningStep ? TimeSpan.Zero : perToken * step.Tokens;
        }
    }

    private Task? Silence(AnswerStep step, CancellationToken cancellationToken) => step switch
    {
        PauseStep pause => Task.Delay(pause.Duration, time, cancellationToken),
        HoldStep hold => gates.WaitAsync(hold.Name, cancellationToken),
        _ => null,
    };
}
