namespace LlmAspire.Web.Reports;

/// <summary>Something that reports are grouped or filtered by.</summary>
/// <param name="Parameter">In an address, of the Api or of a page.</param>
/// <param name="Group">What the Api groups by; null when it does not.</param>
/// <param name="Values">All there are; null when they are what was used.</param>
public sealed record UsageDimension(string Parameter, string? Group, string Label, IReadOnlyList<string>? Values = null)
{
    public static readonly UsageDimension Model = new("model", "model", "Model");
    public static readonly UsageDimension Provider = new("provider", "provider", "Provider");
    public static readonly UsageDimension ServedModel = new("servedModel", "servedModel", "Served model");
    public static readonly UsageDimension User = new("user", "user", "User");
    public static readonly UsageDimension Organisation = new("org", "organisation", "Organisation");
    public static readonly UsageDimension Operation = new("operation", "operation", "Operation");
    public static readonly UsageDimension Outcome = new("outcome", "outcome", "Outcome");
    public static readonly UsageDimension Source = new("source", null, "Source", ["provider", "partial", "estimated", "none"]);

    /// <summary>Only of the calls: what belongs together.</summary>
    public static readonly UsageDimension Conversation = new("conversation", null, "Conversation", []);

    /// <inheritdoc cref="Conversation"/>
    public static readonly UsageDimension Request = new("request", null, "Request", []);

    /// <summary>Those that a person may choose.</summary>
    public static IEnumerable<UsageDimension> For(string scope) => scope switch
    {
        UsageScope.All => [Model, Provider, ServedModel, User, Organisation, Operation, Outcome, Source],
        UsageScope.Organisation => [Model, Provider, ServedModel, User, Operation, Outcome, Source],
        _ => [Model, Provider, ServedModel, Operation, Outcome, Source],
    };
}

/// <summary>One value that a report is limited to.</summary>
public sealed record UsageFilter(UsageDimension Dimension, string Value);
