using LlmAspire.Web.Api;

namespace LlmAspire.Web.Prompts;

/// <summary>What went wrong with prompts, in the words of the pages.</summary>
public static class PromptWords
{
    public static string For(Problem problem) => problem switch
    {
        { Code: "prompt_unknown" } => "This prompt is gone, or it is not shared with you any more.",
        { Code: "prompt_version_unknown" } => "This version is not kept any more.",
        { Code: "prompt_read_only" } => "Only its owner and the admins of your organisation may change this prompt.",
        { Code: ProblemCodes.PromptChanged } => "Somebody saved another version meanwhile.",
        { Code: "name_invalid" } => "Enter a name of at most 200 characters.",
        { Code: "text_empty" } => "Enter what the model is to be told.",
        { Code: ProblemCodes.BrokenStream } => "The connection was lost before the prompt was complete.",
        { Status: StatusCodes.Status401Unauthorized } => "You are signed out. Sign in and try again.",
        { Status: StatusCodes.Status429TooManyRequests } or { Status: >= 400 and < 500 } or { Code: "prompt_model_missing" } =>
            string.Join(" ", new[] { problem.Title, problem.Detail }.Where(part => !string.IsNullOrEmpty(part))),
        _ => "The service does not answer right now. Try again in a moment.",
    };

    public static string For(ApiException exception) => For(exception.Problem);
}
