using System.Globalization;
using LlmAspire.Api.Http;
using LlmAspire.Api.Llm;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Plans;

/// <summary>What goes beyond a plan, in the words of <see cref="Problems"/>.</summary>
internal static class PlanProblems
{
    private static readonly TimeSpan RunningCallsPause = TimeSpan.FromSeconds(5);

    public static ProblemHttpResult RateLimited(HttpContext context, int requests, TimeSpan retryAfter) => Problems.Create(
        context, StatusCodes.Status429TooManyRequests, "rate_limited", "There were too many requests.",
        $"Your plan has {requests} a minute. Try again in {Math.Ceiling(retryAfter.TotalSeconds):0} seconds.", retryAfter);

    /// <param name="needed">How many answers were asked for at once.</param>
    public static ProblemHttpResult TooManyRuns(HttpContext context, int runs, int needed = 1) => needed > runs
        ? Problems.Create(
            context, StatusCodes.Status429TooManyRequests, "too_many_runs", "Your plan has fewer answers at once.",
            $"Your plan has {runs} at once, and these are {needed}. Ask fewer models; the operator of this installation can change the plan.")
        : Problems.Create(
            context, StatusCodes.Status429TooManyRequests, "too_many_runs", "Too many answers are being made for you.",
            $"Your plan has {runs} at once. Wait until one has ended, or stop one with DELETE /chat/runs/{{id}}.", RunningCallsPause);

    /// <summary>A call that could use more than what remains.</summary>
    public static GatewayFailure AllowanceExceeded(AllowanceExceededException exceeded, DateTimeOffset now)
    {
        var state = AllowanceState.Of(exceeded);
        var fitsWhenOthersEnd = exceeded.Used + exceeded.Need <= exceeded.Limit;
        return new GatewayFailure(
            StatusCodes.Status429TooManyRequests, "allowance_exceeded", "Your organisation's tokens for this month do not suffice.",
            $"This message may need {Count(exceeded.Need)} tokens; {Count(state.Remaining)} of {Count(state.Limit)} remain. " + (fitsWhenOthersEnd
                ? "Answers that are being made hold some of them: try again when they have ended, or shorten the conversation."
                : $"Shorten the conversation, choose a model with shorter answers, or wait until {state.ResetsAt:yyyy-MM-dd} (UTC); the operator of this installation can change the plan."),
            fitsWhenOthersEnd ? RunningCallsPause : state.ResetsAt - now)
        {
            Extensions = state.ToExtensions(),
        };
    }

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
