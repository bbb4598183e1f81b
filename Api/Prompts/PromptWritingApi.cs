using System.Text.RegularExpressions;
using LlmAspire.Api.Chat;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Plans;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Prompts;

/// <summary>Writing system prompts with a model. Nothing of it is stored: the caller who goes away ends it.</summary>
internal static partial class PromptWritingApi
{
    private const int MaxLanguageCharacters = 40;

    public static IEndpointRouteBuilder MapPromptWritingApi(this IEndpointRouteBuilder app)
    {
        app.MapGroup("/prompts").WithTags("Prompts").LimitRequests()
            .MapPost("/system", WriteAsync)
            .WithName("WriteSystemPrompt")
            .WithSummary("Writes a system prompt from a description, or improves one, and streams it as server-sent events: delta, usage, then done or error.")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status413PayloadTooLarge)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType)
            .ProducesProblem(StatusCodes.Status429TooManyRequests)
            .ProducesProblem(StatusCodes.Status502BadGateway)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        return app;
    }

    private static async Task<Results<ServerSentEventsResult<ChatEvent>, ProblemHttpResult>> WriteAsync(
        WritePromptRequest request,
        Caller caller,
        ChatValidator models,
        IModelCatalog catalog,
        PromptService prompts,
        RunLimits limits,
        IOptions<PromptSettings> settings,
        IOptions<GatewayOptions> gateway,
        IOptions<ChatSettings> chat,
        HttpContext context)
    {
        if (Validate(request, settings.Value, context) is { } problem)
        {
            return problem;
        }

        var alias = gateway.Value.PromptModel;
        if (catalog.FindModel(alias) is null)
        {
            return PromptProblems.ModelMissing(context);
        }

        if (models.ValidateModel(alias, caller, context, out var model) is { } refused)
        {
            return refused;
        }

        if (limits.TryAcquire(caller, context, out var lease) is { } tooMany)
        {
            return tooMany;
        }

        var draft = prompts.Begin(request, model, caller, lease, Problems.TraceId(context), context.RequestAborted);
        try
        {
            if (await draft.Started.WaitAsync(chat.Value.StartPatience, context.RequestAborted) is { } failure)
            {
                return Problems.Create(context, failure);
            }
        }
        catch (TimeoutException)
        {
            // The model is thinking: the stream begins, and a failure is its last event.
        }

        // Proxies of the nginx kind would keep the events until the answer is complete.
        context.Response.Headers["X-Accel-Buffering"] = "no";
        return TypedResults.ServerSentEvents(draft.ReadEventsAsync());
    }

    private static ProblemHttpResult? Validate(WritePromptRequest request, PromptSettings limits, HttpContext context) => request switch
    {
        _ when string.IsNullOrWhiteSpace(request.Description) && string.IsNullOrWhiteSpace(request.Existing) => PromptProblems.Bad(
            context, "description_missing", "There is nothing to write a prompt from.",
            "Send what the assistant is for in the property description, or a prompt to improve in the property existing."),
        { Description.Length: var length } when length > limits.MaxDescriptionCharacters =>
            PromptProblems.TooLong(context, "description", length, limits.MaxDescriptionCharacters),
        { Existing.Length: var length } when length > limits.MaxTextCharacters =>
            PromptProblems.TooLong(context, "existing", length, limits.MaxTextCharacters),
        { Instructions.Length: var length } when length > limits.MaxDescriptionCharacters =>
            PromptProblems.TooLong(context, "instructions", length, limits.MaxDescriptionCharacters),
        { Language: { Length: > 0 } language } when language.Length > MaxLanguageCharacters || !LanguageName().IsMatch(language) => PromptProblems.Bad(
            context, "language_invalid", "The language is not valid.",
            $"Send a name or tag of at most {MaxLanguageCharacters} letters, such as German or pt-BR, or leave out language."),
        _ => null,
    };

    [GeneratedRegex(@"^\p{L}[\p{L}\p{M}\p{Nd}() -]*$")]
    private static partial Regex LanguageName();
}
