using LlmAspire.Web.Api;

namespace LlmAspire.Web.Reports;

/// <summary>What the pages call things of the ledger, and what they say when a report cannot be had.</summary>
public static class UsageWords
{
    /// <summary>For a key that the ledger does not know.</summary>
    public const string Unknown = "unknown";

    /// <summary>Tokens that the provider did not report itself; null for those that it did.</summary>
    public static (string Word, string Meaning)? MarkOf(string? source) => source switch
    {
        "provider" or null => null,
        "estimated" => ("estimated", "The provider reported no usage: these tokens are an estimate from the text."),
        "partial" => ("partial", "The provider reported usage for a part of the answer only."),
        "none" => ("none", "Nothing is known of the usage of this call."),
        var other => (other, "Where the tokens come from."),
    };

    public static string ClassName(string tokenClass) => tokenClass switch
    {
        "input" => "Input",
        "output" => "Output",
        "cached_input" => "Cached input",
        "cache_write" => "Cache write",
        "reasoning" => "Reasoning",
        "audio_input" => "Audio input",
        "audio_output" => "Audio output",
        var other => other,
    };

    public static string ProblemOf(ApiException exception) => exception.Problem switch
    {
        { Status: StatusCodes.Status403Forbidden, Code: "admin_required" } => "Only an admin of the organisation may see this.",
        { Status: StatusCodes.Status403Forbidden } => "You may not see this: it is for an admin of the organisation, or for the operator.",
        { Status: StatusCodes.Status401Unauthorized } => "You are signed out. Sign in and try again.",
        { Status: null or >= 500 } => "The service does not answer right now. Try again in a moment.",
        var problem when ProblemError.Of(problem) is { Count: > 0 } errors => string.Join(" ", errors.Select(error => error.Message).Distinct()),
        var problem => string.Join(" ", new[] { problem.Title, problem.Detail }.Where(part => !string.IsNullOrEmpty(part))),
    };
}
