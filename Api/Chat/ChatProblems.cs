using LlmAspire.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Chat;

/// <summary>What can be wrong with a conversation or a run. Somebody else's does not exist.</summary>
internal static class ChatProblems
{
    public static ProblemHttpResult ConversationUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "conversation_unknown", "There is no such conversation.",
        "It was deleted, or it was not yours. GET /conversations lists yours.");

    public static ProblemHttpResult MessageUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "message_unknown", "The conversation has no such message.",
        "GET /conversations/{id} lists its messages.");

    public static ProblemHttpResult RunUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "run_unknown", "There is no such run.",
        "It is over, or it was not yours. Nothing has to be stopped.");

    public static ProblemHttpResult NotContinuable(HttpContext context) => Problems.Create(
        context, StatusCodes.Status409Conflict, "run_not_continuable", "This answer cannot be continued.",
        "Only an answer that was interrupted or stopped can. Read it with GET /chat/runs/{id}/events, or have it made again.");

    public static ProblemHttpResult ConversationUnavailable(HttpContext context) => Problems.Create(
        context, StatusCodes.Status503ServiceUnavailable, "conversation_unavailable", "The conversation cannot be read right now.",
        "The database does not answer. Try again in a few seconds, or begin a new conversation.", TimeSpan.FromSeconds(5));
}
