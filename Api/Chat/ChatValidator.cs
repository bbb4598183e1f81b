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
        if (string.IsNullOrWhiteSpace(request.Message))
        {
            return Bad(context, "message_empty", "The message is empty.", "Send text in the property message.");
        }

        if (request.Message.Length > limits.MaxMessageCharacters)
        {
            return Bad(context, "message_too_long", "The message is too long.",
                $"It has {Count(request.Message.Length)} characters; the limit is {Count(limits.MaxMessageCharacters)}. Shorten it or send it in parts.");
        }

        if (request.Tools is { Count: > 0 })
        {
            return Bad(context, "tools_unavailable", "No tools are available in this installation.", "Leave out tools.");
        }

        if (request.ParentMessageId is not null)
        {
            return Bad(context, "conversations_unavailable", "Conversations are not stored in this installation.",
                "Leave out parentMessageId and send what was said before in history.");
        }

        return ValidateHistory(request.History ?? [], limits, context) ?? ValidateModel(request.Model, caller, context, out model);
    }

    private static ProblemHttpResult? ValidateHistory(IReadOnlyList<HistoryMessage?> history, ChatSettings limits, HttpContext context)
    {
        if (history.Count > limits.MaxHistoryMessages)
        {
            return Bad(context, "history_too_long", "The history is too long.",
                $"It has {Count(history.Count)} messages; the limit is {Count(limits.MaxHistoryMessages)}. Leave out the oldest.");
        }

        var characters = 0L;
        for (var i = 0; i < history.Count; i++)
        {
            if (history[i] is not { Role: "user" or "assistant", Content: { Length: > 0 } content })
            {
                return Bad(context, "history_invalid", "The history is not valid.",
                    $"Look at $.history[{i}]: it needs a role, user or assistant, and a content that is not empty.");
            }

            characters += content.Length;
        }

        return characters <= limits.MaxHistoryCharacters ? null : Bad(context, "history_too_long", "The history is too long.",
            $"It has {Count(characters)} characters; the limit is {Count(limits.MaxHistoryCharacters)}. Leave out the oldest messages.");
    }

    private ProblemHttpResult? ValidateModel(string? asked, Caller caller, HttpContext context, out ChatModel model)
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
