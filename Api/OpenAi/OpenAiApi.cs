using System.Threading.RateLimiting;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Forwarding;
using LlmAspire.Api.Plans;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.OpenAi;

/// <summary>OpenAI's protocol, for programs with a personal API key. Models, limits and accounting are those of the chat. A client that goes away cancels its call.</summary>
internal static class OpenAiApi
{
    private const int QuotedCharacters = 100;

    public static IEndpointRouteBuilder MapOpenAiApi(this IEndpointRouteBuilder app)
    {
        var options = app.ServiceProvider.GetRequiredService<IOptions<OpenAiOptions>>().Value;
        var openAi = app.MapGroup(OpenAiExtensions.Prefix).WithTags("OpenAI").RequireAuthorization(IdentityExtensions.ApiKeyPolicy).LimitRequests()
            .WithMetadata(
                new ProducesResponseTypeMetadata(StatusCodes.Status401Unauthorized, typeof(OpenAiError)),
                new ProducesResponseTypeMetadata(StatusCodes.Status429TooManyRequests, typeof(OpenAiError)),
                new ProducesResponseTypeMetadata(StatusCodes.Status503ServiceUnavailable, typeof(OpenAiError)));

        openAi.MapPost("/chat/completions", CompleteAsync)
            .WithName("CreateChatCompletion")
            .WithSummary("A chat completion as OpenAI has it, streamed or not, with all fields of OpenAI's.")
            .WithMetadata(new RequestSizeLimitAttribute(options.MaxBodyBytes))
            .Produces(StatusCodes.Status200OK, contentType: "application/json", additionalContentTypes: "text/event-stream")
            .Produces<OpenAiError>(StatusCodes.Status400BadRequest)
            .Produces<OpenAiError>(StatusCodes.Status404NotFound)
            .Produces<OpenAiError>(StatusCodes.Status413PayloadTooLarge)
            .Produces<OpenAiError>(StatusCodes.Status415UnsupportedMediaType)
            .Produces<OpenAiError>(StatusCodes.Status502BadGateway)
            .Produces<OpenAiError>(StatusCodes.Status504GatewayTimeout);

        openAi.MapGet("/models", ListModels)
            .WithName("ListOpenAiModels")
            .WithSummary("Lists the models of your plan as OpenAI lists its own.");

        // Aliases may have slashes in them.
        openAi.MapGet("/models/{**id}", FindModel)
            .WithName("FindOpenAiModel")
            .WithSummary("A model of your plan.")
            .Produces<OpenAiError>(StatusCodes.Status404NotFound);

        return app;
    }

    private static Ok<OpenAiModelList> ListModels(Caller caller, IModelCatalog catalog) => TypedResults.Ok(new OpenAiModelList(
        "list", [.. catalog.ListModels().Where(model => model.RequiredPlan <= caller.Plan).Select(OpenAiModel.From)]));

    private static Results<Ok<OpenAiModel>, ProblemHttpResult> FindModel(string id, Caller caller, IModelCatalog catalog, HttpContext context)
    {
        // The one character that a path's parameter keeps encoded.
        var problem = CheckModel(id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase), caller, catalog, context, out var model);
        return problem is null ? TypedResults.Ok(OpenAiModel.From(model)) : problem;
    }

    private static async Task<Results<EmptyHttpResult, ProblemHttpResult>> CompleteAsync(
        Caller caller,
        IModelCatalog catalog,
        RunLimits limits,
        CompletionForwarder forwarder,
        IOptions<PlanOptions> plans,
        IOptions<OpenAiOptions> options,
        HttpContext context)
    {
        if (!context.Request.HasJsonContentType())
        {
            return Problems.ForStatus(context, StatusCodes.Status415UnsupportedMediaType);
        }

        var (request, fault) = CompletionRequest.Read(await ReadBodyAsync(context.Request));
        if (request is null)
        {
            return Problems.Create(context, fault!);
        }

        if (CheckModel(request.Model, caller, catalog, context, out var model) is { } unknown)
        {
            return unknown;
        }

        if (limits.TryAcquire(caller, context, out var lease) is { } tooMany)
        {
            return tooMany;
        }

        var call = new CallContext
        {
            UserId = caller.UserId,
            OrgId = caller.OrgId,
            ApiKeyId = caller.ApiKeyId,
            RequestId = OpenAiHeaders.RequestIdOf(context),
            Operation = UsageOperation.Api,
            ModelAlias = model.Id,
            AllowanceLimit = plans.Value[caller.OrgPlan].TokensPerMonth,
        };
        try
        {
            var failure = request.IsStreamed
                ? await forwarder.StreamAsync(
                    request.Body, call, request.TellUsage, new CompletionSink(context), options.Value.KeepAlive, context.RequestAborted)
                : await CompletePlainAsync(request, call, forwarder, context);
            return failure is null ? TypedResults.Empty : Problems.Create(context, failure);
        }
        finally
        {
            _ = ReleaseAsync(lease, call);
        }
    }

    private static async Task<GatewayFailure?> CompletePlainAsync(CompletionRequest request, CallContext call, CompletionForwarder forwarder, HttpContext context)
    {
        var (answer, failure) = await forwarder.CompleteAsync(request.Body, call, context.RequestAborted);
        if (failure is null)
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer, context.RequestAborted);
        }

        return failure;
    }

    /// <summary>Gives the place among the concurrent runs back when the call has ended, which can be after its client: it may be read on for its usage.</summary>
    private static async Task ReleaseAsync(RateLimitLease lease, CallContext call)
    {
        await ((Task)call.WhenSettledAsync()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lease.Dispose();
    }

    /// <summary>Null when the caller may use the model. As OpenAI has it, what the plan lacks does not exist, but we say why.</summary>
    private static ProblemHttpResult? CheckModel(string id, Caller caller, IModelCatalog catalog, HttpContext context, out ChatModel model)
    {
        model = catalog.FindModel(id)!;
        return model?.RequiredPlan <= caller.Plan ? null : Problems.Create(
            context,
            StatusCodes.Status404NotFound,
            "model_not_found",
            model is null
                ? $"The model '{id[..Math.Min(id.Length, QuotedCharacters)]}' does not exist."
                : $"The model '{id}' needs the plan {Word(model.RequiredPlan)}; yours is {Word(caller.Plan)}.",
            "GET /v1/models lists those that you may use.",
            extensions: [KeyValuePair.Create<string, object?>(Problems.Param, "model")]);
    }

    private static async Task<byte[]> ReadBodyAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted);
        return body.ToArray();
    }

    private static string Word(Plan plan) => plan.ToString().ToLowerInvariant();
}
