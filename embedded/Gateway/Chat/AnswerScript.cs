using LlmAspire.DemoGateway.DemoModel;
using LlmAspire.DemoGateway.Served;

namespace LlmAspire.DemoGateway.Chat;

/// <summary>What will happen in a call, known before it begins. Immutable; faults make another of it.</summary>
/// <param name="By">Who begins to answer.</param>
/// <param name="Content">What the model says.</param>
/// <param name="Ending">What comes after it.</param>
internal sealed record AnswerScript(Serving By, IReadOnlyList<AnswerStep> Content, IReadOnlyList<AnswerStep> Ending)
{
    public IEnumerable<AnswerStep> Steps => Content.Concat(Ending);

    /// <summary>The answer as it goes when nothing goes wrong.</summary>
    /// <param name="tellUsage">A stream tells its usage only when it was asked to.</param>
    public static AnswerScript Of(Serving by, ModelAnswer answer, bool tellUsage) =>
        new(by, answer.Steps, End(answer.FinishReason, tellUsage ? new UsageStep(by.UsageOf(answer.Steps)) : null));

    public static IReadOnlyList<AnswerStep> End(string finishReason, UsageStep? usage) =>
        [new SettleStep(ServedOutcome.Completed), new FinishStep(finishReason), .. usage is null ? (AnswerStep[])[] : [usage], new DoneStep()];
}
