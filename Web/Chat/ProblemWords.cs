using LlmAspire.Web.Api;

namespace LlmAspire.Web.Chat;

/// <summary>A problem in the words of the page. What the Api says is added only where it says what the user can change.</summary>
/// <param name="Title">What happened.</param>
/// <param name="Advice">What to do.</param>
public sealed record ProblemWords(string Title, string Advice)
{
    public static ProblemWords For(Problem problem) => problem switch
    {
        { Code: ProblemCodes.Unreachable } =>
            new("The chat service cannot be reached.", "Your message is kept here. Try again in a moment."),
        { Code: ProblemCodes.BrokenStream } =>
            new("The answer broke off.", "The connection to the chat service was lost. Try again for a whole answer."),
        { Code: ProblemCodes.GatewayStarting } =>
            new("The model gateway is still starting.", "That takes up to a minute. Try again shortly."),
        { Status: StatusCodes.Status401Unauthorized } =>
            new("You are signed out.", "Sign in and try again."),
        { Status: StatusCodes.Status403Forbidden } =>
            new("You may not use this model.", problem.Detail ?? "Choose another model and try again."),
        { Status: StatusCodes.Status413PayloadTooLarge } =>
            new("The message is too long.", "Shorten it, or begin a new chat: earlier messages go along with it."),
        { Code: "allowance_exceeded" } =>
            new("Your organisation's tokens for this month do not suffice.", problem.Detail ?? "Ask an admin of your organisation."),
        { Code: "too_many_runs" } =>
            new("Too many answers are being made for you.", "Wait until one has ended, or stop one; it may be in another tab."),
        { Code: "answer_running" } =>
            new("The answer before is still being made.", "Open the conversation again to see it, or wait until it has ended."),
        { Code: "check_invalid" } =>
            new("What is a good answer cannot be checked.", "The pattern has to be a regular expression of at most 500 characters, without look-around and back-references."),
        { Status: StatusCodes.Status429TooManyRequests } =>
            new("That was more than your plan allows for now.", problem.Detail ?? "Wait a little and try again."),
        { Status: >= 400 and < 500 } =>
            new("The message was not accepted.", problem.Detail ?? "Change it or choose another model, then try again."),
        { Status: StatusCodes.Status502BadGateway or StatusCodes.Status503ServiceUnavailable or StatusCodes.Status504GatewayTimeout } =>
            new("The model is not available right now.", "Try again in a moment, or choose another model."),
        _ => new("The answer failed.", "Try again. If it fails again, report it with the trace id."),
    };
}
