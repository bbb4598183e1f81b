namespace LlmAspire.Web.Reports;

/// <summary>Whose usage a report is about, in the Api's words.</summary>
public static class UsageScope
{
    public const string Me = "me";
    public const string Organisation = "organisation";
    public const string All = "all";
}
