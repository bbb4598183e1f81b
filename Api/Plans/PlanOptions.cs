using LlmAspire.Api.Identity;

namespace LlmAspire.Api.Plans;

/// <summary>Section <c>Plans</c>: what each plan allows. Which plan a model needs, says the gateway.</summary>
public sealed class PlanOptions
{
    public const string Section = "Plans";

    /// <summary>What a new organisation has.</summary>
    public Plan Default { get; set; } = Plan.Basic;

    public PlanLimits Basic { get; set; } = new() { TokensPerMonth = 2_000_000, RequestsPerMinute = 20, ConcurrentRuns = 2 };

    public PlanLimits Pro { get; set; } = new() { TokensPerMonth = 50_000_000, RequestsPerMinute = 60, ConcurrentRuns = 5 };

    public PlanLimits Enterprise { get; set; } = new() { RequestsPerMinute = 300, ConcurrentRuns = 20 };

    public PlanLimits this[Plan plan] => plan switch
    {
        Plan.Basic => Basic,
        Plan.Pro => Pro,
        Plan.Enterprise => Enterprise,
        _ => throw new ArgumentOutOfRangeException(nameof(plan), plan, "There is no such plan."),
    };

    internal const string WhatIsPossible =
        "Plans:Default must be basic, pro or enterprise; TokensPerMonth, RequestsPerMinute and ConcurrentRuns of each plan must be greater than 0 (TokensPerMonth may be empty: unlimited).";

    internal bool ArePossible => Enum.IsDefined(Default) && Basic.ArePossible && Pro.ArePossible && Enterprise.ArePossible;
}

/// <summary>What a plan allows.</summary>
public sealed class PlanLimits
{
    /// <summary>Prompt and completion tokens in a month (UTC), all members of an organisation together; null for any number.</summary>
    public long? TokensPerMonth { get; set; }

    /// <summary>Requests that concern a model, for each user in each process.</summary>
    public int RequestsPerMinute { get; set; }

    /// <summary>Answers being made at once, for each user in each process.</summary>
    public int ConcurrentRuns { get; set; }

    internal bool ArePossible => TokensPerMonth is null or > 0 && RequestsPerMinute > 0 && ConcurrentRuns > 0;
}
