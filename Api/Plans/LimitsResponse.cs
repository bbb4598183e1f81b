using LlmAspire.Api.Identity;

namespace LlmAspire.Api.Plans;

/// <summary>What somebody's plans allow.</summary>
/// <param name="TokensPerMonth">For all members of the organisation together; null for any number.</param>
/// <param name="RequestsPerMinute">At the endpoints that concern a model.</param>
/// <param name="ConcurrentRuns">Answers being made at once.</param>
public sealed record LimitsResponse(long? TokensPerMonth, int RequestsPerMinute, int ConcurrentRuns)
{
    internal static LimitsResponse Of(PlanOptions plans, Plan plan, Plan organisationPlan) => new(
        plans[organisationPlan].TokensPerMonth, plans[plan].RequestsPerMinute, plans[plan].ConcurrentRuns);
}
