namespace LlmAspire.Api.Identity;

/// <summary>Section <c>Plans</c>.</summary>
public sealed class PlanOptions
{
    public const string Section = "Plans";

    /// <summary>What a new organisation has.</summary>
    public Plan Default { get; set; } = Plan.Basic;
}
