using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.RateLimiting;
using LlmAspire.Api.Chat.Groups;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Data;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Plans;
using LlmAspire.Api.Tools;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Chat;

/// <summary>Sending messages to models, reading the answers, and stopping them. The caller who goes away stops nothing.</summary>
internal static class ChatApi
{
    public static IEndpointRouteBuilder MapChatApi(this IEndpointRouteBuilder app)
    {
        var chat = app.MapGroup("/chat").WithTags("Chat").ForTenant().LimitRequests();

        chat.MapPost("", SendAsync)
            .WithName("SendMessage")
            .WithSummary("Sends a message to a model and streams the answer as server-sent events: run, delta, tool, usage, then done or error.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status502BadGateway)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        chat.MapPost("/runs/{id:guid}/continue", ContinueAsync)
            .WithName("ContinueRun")
            .WithSummary("Goes on with an answer that was interrupted or stopped. Streams like sending.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        chat.MapPost("/estimate", ChatEstimates.EstimateAsync)
            .WithName("EstimateMessage")
            .WithSummary("Says what a message may use at most, and whether the organisation's tokens suffice. Sends nothing to a model.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        chat.MapGroupApi();

        // Not limited: who asked too often may still read what is being made, and stop it.
        chat.MapGet("/runs/{id:guid}/events", ReadAsync)
            .DisableRateLimiting()
            .WithName("ReadRun")
            .WithSummary("The events of a run after Last-Event-ID, as they come; from the start without it.")
            .ProducesProblem(StatusCodes.Status404NotFound);

        chat.MapDelete("/runs/{id:guid}", StopAsync)
            .DisableRateLimiting()
            .WithName("StopRun")
            .WithSummary("Stops a run of yours. Its stream still ends with usage and done.")
            .ProducesProblem(StatusCodes.Status404NotFound);

        return app;
    }

    private static async Task<Results<ServerSentEventsResult<ChatEvent>, ProblemHttpResult>> SendAsync(
        [FromBody] ChatRequest request,
        Caller caller,
        ChatValidator validator,
        ToolDirectory directory,
        ChatService chat,
        RunLimits limits,
        IOptions<ChatSettings> settings,
        HttpContext context)
    {
        if (validator.Validate(request, caller, context, out var model) is { } problem)
        {
            return problem;
        }

        var (tools, unusable) = await directory.FindAsync(request.Tools, model, caller, context, context.RequestAborted);
        return unusable is not null
            ? (Results<ServerSentEventsResult<ChatEvent>, ProblemHttpResult>)unusable
            : await StreamAsync(
                caller, limits, lease => chat.SendAsync(request, model, tools, caller, lease, context, context.RequestAborted), settings.Value, context);
    }

    private static Task<Results<ServerSentEventsResult<ChatEvent>, ProblemHttpResult>> ContinueAsync(
        Guid id, Caller caller, ChatValidator validator, ChatService chat, RunLimits limits, IOptions<ChatSettings> settings, HttpContext context) => StreamAsync(
        caller,
        limits,
        lease => chat.ContinueAsync(
            id, model => validator.ValidateModel(model, caller, context, out _), caller, lease, context, context.RequestAborted),
        settings.Value,
        context);

    /// <param name="begin">Begins the run, which gives its place back when it has ended.</param>
    private static async Task<Results<ServerSentEventsResult<ChatEvent>, ProblemHttpResult>> StreamAsync(
        Caller caller, RunLimits limits, Func<RateLimitLease, Task<(ChatRun? Run, ProblemHttpResult? Problem)>> begin, ChatSettings settings, HttpContext context)
    {
        if (limits.TryAcquire(caller, context, out var lease) is { } tooMany)
        {
            return tooMany;
        }

        ChatRun? run = null;
        try
        {
            (run, var problem) = await begin(lease);
            if (run is null)
            {
                return problem!;
            }
        }
        finally
        {
            if (run is null)
            {
                lease.Dispose();
            }
        }

        try
        {
            if (await run.Started.WaitAsync(settings.StartPatience, context.RequestAborted) is { } failure)
            {
                return Problems.Create(context, failure);
            }
        }
        catch (TimeoutException) when (!run.Announce())
        {
            var failure = (await run.Started)!;
            return Problems.Create(context, failure);
        }
        catch (TimeoutException)
        {
            // The model is thinking: the stream begins, so that it can be stopped.
        }

        return Stream(run.ReadEventsAsync(0), context);
    }

    private static async Task<Results<ServerSentEventsResult<ChatEvent>, ProblemHttpResult>> ReadAsync(
        Guid id,
        [FromHeader(Name = "Last-Event-ID")] string? lastEventId,
        Caller caller,
        TenantContext tenants,
        ChatRuns runs,
        RunReader reader,
        HttpContext context,
        CancellationToken cancellationToken)
    {
        var last = RunEventId.Parse(lastEventId, id);
        if (runs.Find(id, caller.UserId) is { } run)
        {
            return Stream(FollowAsync(run, last, cancellationToken), context);
        }

        return await tenants.Runs.AnyAsync(row => row.Id == id, cancellationToken)
            ? Stream(reader.ReadAsync(id, last, cancellationToken), context)
            : ChatProblems.RunUnknown(context);
    }

    private static async IAsyncEnumerable<SseItem<ChatEvent>> FollowAsync(
        ChatRun run, RunEventId? last, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var after = last?.Attempt == run.Attempt ? last.Value.Sequence : 0;
        if (run.Attempt > 1 && last?.Attempt != run.Attempt)
        {
            yield return new RunEventId(run.Id, run.Attempt, 0).Mark(new AnswerReset(run.Prefix, run.Plan.EarlierTools));
        }

        await foreach (var item in run.ReadEventsAsync(after, cancellationToken))
        {
            yield return item;
        }
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> StopAsync(
        Guid id, RunStop stop, HttpContext context, CancellationToken cancellationToken) =>
        await stop.StopAsync(id, cancellationToken) ? TypedResults.NoContent() : ChatProblems.RunUnknown(context);

    internal static ServerSentEventsResult<T> Stream<T>(IAsyncEnumerable<SseItem<T>> events, HttpContext context)
    {
        // Proxies of the nginx kind would keep the events until the answer is complete.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(events);
    }
}
