using System.Runtime.CompilerServices;
using LlmAspire.DemoGateway.Configuration;
using LlmAspire.DemoGateway.DemoModel;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>Lets an answer come at the pace of a model.</summary>
internal sealed class AnswerPacer(GatewayOptions options, TimeProvider time)
{
    /// <summary>The steps, each when it is due. Lateness is made up for, so that timers do not slow a fast pace down.</summary>
    public async IAsyncEnumerable<AnswerStep> PlayAsync(IEnumerable<AnswerStep> steps, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var perToken = options.TokensPerSecond > 0 ? TimeSpan.FromSeconds(1 / options.TokensPerSecond) : TimeSpan.Zero;
        var due = TimeSpan.FromMilliseconds(options.TimeToFirstTokenMs);
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
            yield return step;
            due += step is ReasoningStep ? TimeSpan.Zero : perToken * step.Tokens;
        }
    }
}
