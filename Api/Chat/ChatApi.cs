using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Plans;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Chat;

/// <summary>Sending messages to models, and stopping them.</summary>
internal static class ChatApi
{
    public static IEndpointRouteBuilder MapChatApi(this IEndpointRouteBuilder app)
    {
        var chat = app.MapGroup("/chat").WithTags("Chat").LimitRequests();

        chat.MapPost("", SendAsync)
            .WithName("SendMessage")
            .WithSummary("Sends a message to a model and streams the answer as server-sent events: run, delta, usage, then done or error.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status502BadGateway)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        chat.MapPost("/estimate", ChatEstimates.EstimateAsync)
            .WithName("EstimateMessage")
            .WithSummary("Says what a message may use at most, and whether the organisation's tokens suffice. Sends nothing to a model.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        // Not limited: who asked too often may still stop what runs.
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
        ChatService chat,
        ChatRuns runs,
        RunLimits limits,
        IOptions<ChatSettings> settings,
        HttpContext context)
    {
        if (validator.Validate(request, caller, context, out var model) is { } problem)
        {
            return problem;
        }

        if (limits.TryAcquire(caller, context, out var lease) is { } tooMany)
        {
            return tooMany;
        }

        context.Response.RegisterForDispose(lease);
        var run = chat.Start(request, model, caller, Problems.TraceId(context));
        runs.Add(run);
        context.Response.RegisterForDisposeAsync(new RequestedRun(run, runs, context.RequestAborted));
        try
        {
            if (await run.Started.WaitAsync(settings.Value.StartPatience, context.RequestAborted) is { } failure)
            {
                return Problems.Create(context, failure);
            }
        }
        catch (TimeoutException)
        {
            // The model is thinking: the stream begins, so that it can be stopped.
        }

        // Proxies of the nginx kind would keep the events until the answer is complete.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(run.ReadEventsAsync());
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> StopAsync(Guid id, Caller caller, ChatRuns runs, HttpContext context)
    {
        if (runs.Find(id, caller.UserId) is not { } run)
        {
            return Problems.Create(
                context, StatusCodes.Status404NotFound, "run_unknown", "There is no such run.",
                "It is over, or it was not yours. Nothing has to be stopped.");
        }

        await run.CancelAsync(UsageOutcome.Stopped);
        return TypedResults.NoContent();
    }

    /// <summary>Ties a run to its request: it is cancelled when the client goes away, and the request lasts until it is settled.</summary>
    private sealed class RequestedRun : IAsyncDisposable
    {
        private readonly ChatRun _run;
        private readonly ChatRuns _runs;
        private readonly CancellationTokenRegistration _disconnect;

        public RequestedRun(ChatRun run, ChatRuns runs, CancellationToken requestAborted)
        {
            _run = run;
            _runs = runs;
            _disconnect = requestAborted.Register(() => _ = run.CancelAsync(UsageOutcome.Disconnected));
        }

        public async ValueTask DisposeAsync()
        {
            await _disconnect.DisposeAsync();
            await _run.DisposeAsync();
            _runs.Remove(_run);
        }
    }
}
