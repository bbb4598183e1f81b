using System.Text.Json.Nodes;
using System.Threading.RateLimiting;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Plans;
using LlmAspire.Api.Tools;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace LlmAspire.Api.Chat.Groups;

/// <summary>The same message to several models. Each answer is a run: it is read and stopped as the others, and none ends because the caller goes away.</summary>
internal static class GroupApi
{
    public static RouteGroupBuilder MapGroupApi(this RouteGroupBuilder chat)
    {
        Describe(chat.MapPost("/compare", CompareAsync)
            .WithName("CompareModels")
            .WithSummary(
                "Has two to six models answer a message, and streams the answers as server-sent events: runs; each answer's run, delta, usage, and done or error, with "
                + "runId and model; and done for the whole. The answers are branches of the conversation."));

        Describe(chat.MapPost("/race", RaceAsync)
            .WithName("RaceModels")
            .WithSummary(
                "Has two to six models answer a message and stops the others when one has given a good answer. Streams like comparing, with winner when there is one; "
                + "the done of the whole says what was saved."));

        return chat;
    }

    private static void Describe(RouteHandlerBuilder endpoint) => endpoint
        .ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status403Forbidden)
        .ProducesProblem(StatusCodes.Status404NotFound)
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
        .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
        .ProducesProblem(StatusCodes.Status429TooManyRequests)
        .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Results<ServerSentEventsResult<JsonObject>, ProblemHttpResult>> CompareAsync(
        [FromBody] CompareRequest request, Caller caller, GroupValidator validator, ToolDirectory directory, ChatService chat, RunLimits limits, HttpContext context)
    {
        var message = new ChatRequest(request.ConversationId, request.Message, null, request.Tools, request.ParentMessageId, request.PromptId);
        return validator.Validate(message, request.Models, caller, context, out var models) is { } problem
            ? problem
            : await StreamAsync(message, models, UsageOperation.Compare, null, caller, directory, chat, limits, context);
    }

    private static async Task<Results<ServerSentEventsResult<JsonObject>, ProblemHttpResult>> RaceAsync(
        [FromBody] RaceRequest request, Caller caller, GroupValidator validator, ToolDirectory directory, ChatService chat, RunLimits limits, HttpContext context)
    {
        var message = new ChatRequest(request.ConversationId, request.Message, null, request.Tools, request.ParentMessageId, request.PromptId);
        return validator.Validate(message, request.Models, caller, context, out var models) is { } problem ? problem
            : GroupValidator.Validate(request.Accept, context, out var check) is { } impossible ? impossible
            : await StreamAsync(message, models, UsageOperation.Race, check, caller, directory, chat, limits, context);
    }

    private static async Task<Results<ServerSentEventsResult<JsonObject>, ProblemHttpResult>> StreamAsync(
        ChatRequest message,
        IReadOnlyList<ChatModel> models,
        UsageOperation operation,
        AnswerCheck? check,
        Caller caller,
        ToolDirectory directory,
        ChatService chat,
        RunLimits limits,
        HttpContext context)
    {
        // The same for all: each of them has to be able to use them.
        IReadOnlyList<ChatTool> tools = [];
        foreach (var model in models)
        {
            (tools, var unusable) = await directory.FindAsync(message.Tools, model, caller, context, context.RequestAborted);
            if (unusable is not null)
            {
                return unusable;
            }
        }

        if (limits.TryAcquire(caller, models.Count, context, out var leases) is { } tooMany)
        {
            return tooMany;
        }

        AnswerGroup? group = null;
        try
        {
            (group, var problem) = await chat.SendTogetherAsync(message, models, tools, operation, check, caller, leases, context, context.RequestAborted);
            if (group is null)
            {
                return problem!;
            }
        }
        finally
        {
            if (group is null)
            {
                Release(leases);
            }
        }

        return ChatApi.Stream(group.ReadEventsAsync(), context);
    }

    private static void Release(IReadOnlyList<RateLimitLease> leases)
    {
        foreach (var lease in leases)
        {
            lease.Dispose();
        }
    }
}
