using System.Globalization;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Http;
using LlmAspire.Api.Llm;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace LlmAspire.Api.Chat;

/// <summary>Says what is wrong with a request and what to do about it.</summary>
internal sealed class ChatValidator(IModelCatalog catalog, IOptions<ChatSettings> settings, IOptions<GatewayOptions> gateway)
{
    private const int QuotedCharacters = 100;

    /// <summary>Null when the request is good; then <paramref name="model"/> is the one to ask.</summary>
    public ProblemHttpResult? Validate(ChatRequest request, Caller caller, HttpContext context, out ChatModel model)
    {
        model = null!;
        var limits = settings.Value;
        // Without a message another answer is asked for.
        if (request.Message is null ? request is not { ConversationId: not null, ParentMessageId: not null } : string.IsNullOrWhiteSpace(request.Message))
        {
            return Bad(context, "message_empty", "The message is empty.", "Send text in the property message.");
        }

        if (request.Message?.Length > limits.MaxMessageCharacters)
        {
            return Bad(context, "message_too_long", "The message is too long.",
                $"It has {Count(request.Message.Length)} characters; the limit is {Count(limits.MaxMessageCharacters)}. Shorten it or send it in parts.");
        }

        if (request is { ParentMessageId: not null, ConversationId: null })
        {
            return Bad(context, "conversation_missing", "The parent message needs its conversation.", "Send conversationId too, or leave out parentMessageId.");
        }

        if (request is { PromptId: not null, ConversationId: not null })
        {
            return Bad(context, "prompt_for_new_only", "A prompt is chosen for a new conversation.",
                "Leave out promptId; PUT /conversations/{id}/prompt sets that of a conversation that is there.");
        }

        return ValidateModel(request.Model, caller, context, out model);
    }

    /// <summary>Null when the caller may use the model.</summary>
    public ProblemHttpResult? ValidateModel(string? asked, Caller caller, HttpContext context, out ChatModel model)
    {
        var id = string.IsNullOrWhiteSpace(asked) ? gateway.Value.ChatModel : asked;
        model = catalog.FindModel(id)!;
        if (model is null)
        {
            return Bad(context, "model_unknown", $"There is no model '{id[..Math.Min(id.Length, QuotedCharacters)]}'.",
                "GET /llm/models lists those that you may use; send the id of one as model.");
        }

        return model.RequiredPlan <= caller.Plan ? null : Problems.Create(
            context, StatusCodes.Status403Forbidden, "plan_required",
            $"The model '{model.Id}' needs the plan {Word(model.RequiredPlan)}.",
            $"Your plan is {Word(caller.Plan)}. GET /llm/models lists the models that it has; the operator of this installation can change it.");
    }

    private static ProblemHttpResult Bad(HttpContext context, string code, string title, string detail) =>
        Problems.Create(context, StatusCodes.Status400BadRequest, code, title, detail);

    private static string Word(Plan plan) => plan.ToString().ToLowerInvariant();

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
