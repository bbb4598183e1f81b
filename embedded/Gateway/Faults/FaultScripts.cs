using LlmAspire.DemoGateway.Chat;
using LlmAspire.DemoGateway.Contract;
using LlmAspire.DemoGateway.DemoModel;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Faults;

/// <summary>
/// Makes of the script of a good answer the script of one that goes wrong. Each fault is one change of it; they are made in the order of these methods.
/// </summary>
internal static class FaultScripts
{
    /// <summary>So that what was sent before a reset is out of our buffers when the connection goes.</summary>
    private static readonly TimeSpan BeforeReset = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan BeforeLateUsage = TimeSpan.FromMilliseconds(100);

    private static readonly SettleStep Failed = new(ServedOutcome.Failed);

    /// <summary>After some steps another deployment has the word.</summary>
    /// <param name="kept">So many steps of the first.</param>
    /// <param name="rest">What the other says.</param>
    public static AnswerScript WithTakeOver(this AnswerScript script, int kept, Serving by, ModelAnswer rest, bool tellUsage) => script with
    {
        Content = [.. script.Content.Take(kept), Failed, new TakeOverStep(by), .. rest.Steps],
        Ending = AnswerScript.Of(by, rest, tellUsage).Ending,
    };

    /// <summary>Breaks off after some tokens, and at the end of the text at the latest.</summary>
    public static AnswerScript WithBreak(this AnswerScript script, FaultPlan plan, UpstreamErrors errors, bool streamed, bool tellUsage)
    {
        if (plan.Break is not { } fault)
        {
            return script;
        }

        IReadOnlyList<AnswerStep> content = [.. script.Content.Take(script.Content.StepsWithin(fault.After))];
        var (by, own) = Last(script.By, content);
        var deployment = by.Deployment;
        AnswerStep[] ending = fault.Kind switch
        {
            BreakKind.Error => [Failed, new ErrorStep(errors.Of(Refusal.Overloaded, deployment), UpstreamErrors.MidStream(deployment))],
            BreakKind.Stall =>
            [
                new PauseStep(plan.For ?? Timeout.InfiniteTimeSpan),
                Failed,
                new ErrorStep(errors.Of(Refusal.TimedOut, deployment), UpstreamErrors.ReadTimedOut),
            ],
            BreakKind.Reset => [Failed, new PauseStep(BeforeReset), new ResetStep()],

            // Half of one body is no answer for the proxy; half of a stream it takes for the end.
            _ when !streamed => [Failed, new ErrorStep(errors.Of(Refusal.ConnectionLost, deployment), UpstreamErrors.ReadTimedOut)],
            BreakKind.UpstreamReset or BreakKind.UpstreamEof =>
                [Failed, new FinishStep("stop"), .. tellUsage ? (AnswerStep[])[new UsageStep(by.UnreportedOf(own))] : [], new DoneStep()],
            _ => [Failed],
        };
        return script with { Content = content, Ending = ending };
    }

    /// <summary>Tells the usage in another form. In one body it can only be missing, unreported, zero or a guess.</summary>
    public static AnswerScript WithUsage(this AnswerScript script, FaultPlan plan, bool streamed, bool tellUsage)
    {
        if (!tellUsage)
        {
            return script;
        }

        var (by, own) = Last(script.By, script.Content);
        return plan.Usage switch
        {
            UsageForm.None => script.WithEndingUsage(_ => []),
            UsageForm.Unreported => script.WithEndingUsage(_ => [new UsageStep(by.UnreportedOf(own))]),
            UsageForm.Zero => script.WithEndingUsage(_ => [new UsageStep(by.Zero())]),
            UsageForm.Guess => script.WithEndingUsage(_ => [new UsageStep(by.GuessOf(own))]),
            UsageForm.Late when streamed =>
                script.WithEndingUsage(usage => [new BlankStep(), new PauseStep(plan.For ?? BeforeLateUsage), new BlankStep(), usage, new BlankStep()]),
            UsageForm.Repeated when streamed => script.WithEndingUsage(usage => [usage, usage]),
            UsageForm.Cumulative when streamed => script with { Content = Running(script) },
            UsageForm.Mid when streamed => script.WithEndingUsage(_ => []) with
            {
                Content = Inserted(script.Content, script.Content.StepsWithin(script.Content.VisibleTokens() / 2), new UsageStep(by.UsageOf(own))),
            },
            _ => script,
        };
    }

    /// <summary>Waits where a hold is, and at the end of the text at the latest.</summary>
    public static AnswerScript WithHolds(this AnswerScript script, FaultPlan plan) => plan.Holds.Aggregate(script, (held, hold) => held with
    {
        Content = Inserted(held.Content, held.Content.StepsWithin(hold.After), new HoldStep(hold.Name)),
    });

    /// <summary>Who has the word at the end, and what they said: a provider reports its own tokens only.</summary>
    private static (Serving By, IReadOnlyList<AnswerStep> Own) Last(Serving first, IReadOnlyList<AnswerStep> content)
    {
        for (var i = content.Count - 1; i >= 0; i--)
        {
            if (content[i] is TakeOverStep takeOver)
            {
                return (takeOver.By, [.. content.Skip(i + 1)]);
            }
        }

        return (first, content);
    }

    private static List<AnswerStep> Running(AnswerScript script)
    {
        var (by, completion, reasoning) = (script.By, 0, 0);
        var content = new List<AnswerStep>();
        foreach (var step in script.Content)
        {
            if (step is TakeOverStep takeOver)
            {
                (by, completion, reasoning) = (takeOver.By, 0, 0);
            }

            completion += step.Tokens;
            reasoning += step is ReasoningStep ? step.Tokens : 0;
            content.Add(step is ReasoningStep or { Tokens: 0 } ? step : step with { RunningUsage = by.Usage(completion, reasoning) });
        }

        return content;
    }

    private static AnswerScript WithEndingUsage(this AnswerScript script, Func<UsageStep, IEnumerable<AnswerStep>> tell) =>
        script with { Ending = [.. script.Ending.SelectMany(step => step is UsageStep usage ? tell(usage) : [step])] };

    private static List<AnswerStep> Inserted(IReadOnlyList<AnswerStep> steps, int at, AnswerStep inserted) =>
        [.. steps.Take(at), inserted, .. steps.Skip(at)];
}
