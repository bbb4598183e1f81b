using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
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
        var chat = app.MapGroup("/chat").WithTags("Chat");

        chat.MapPost("", SendAsync)
            .WithName("SendMessage")
            .WithSummary("Sends a message to a model and streams the answer as server-sent events: run, delta, usage, then done or error.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status502BadGateway)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        chat.MapDelete("/runs/{id:guid}", StopAsync)
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
        IOptions<ChatSettings> settings,
        HttpContext context)
    {
        if (validator.Validate(request, caller, context, out var model) is { } problem)
        {
            return problem;
        }

        var run = chat.Start(request, model, caller, Problems.TraceId(context));
        runs.Add(run);
        context.Response.RegisterForDisposeAsync(new RequestedRun(run, runs, context.RequestAborted));
        try
        {
            if (await run.Started.WaitAsync(settings.Value.StartPatience, context.RequestAborted) is { } failure)
            {
                return Problems.Create(context, failure.Status, failure.Code, failure.Title, failure.Detail, failure.RetryAfter);
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
