namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>Counting in steps. What can be seen is all but thinking.</summary>
internal static class AnswerSteps
{
    public static int VisibleTokens(this IEnumerable<AnswerStep> steps) => steps.Where(step => step is not ReasoningStep).Sum(step => step.Tokens);

    /// <summary>How many steps it takes until <paramref name="visible"/> tokens can be seen, or all of them; thinking comes before the first of them.</summary>
    public static int StepsWithin(this IReadOnlyList<AnswerStep> steps, int visible)
    {
        var count = 0;
        while (count < steps.Count && (steps[count] is ReasoningStep || steps[count].Tokens <= visible))
        {
            visible -= steps[count] is ReasoningStep ? 0 : steps[count].Tokens;
            count++;
        }

        return count;
    }
}
