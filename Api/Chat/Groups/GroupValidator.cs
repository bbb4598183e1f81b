using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Llm;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Chat.Groups;

/// <summary>Says what is wrong with a request to several models, besides what can be wrong with one to a single model.</summary>
internal sealed class GroupValidator(ChatValidator validator)
{
    private const int Fewest = 2;

    private const int Most = 6;

    /// <summary>Null when the request is good; then <paramref name="models"/> are the ones to ask.</summary>
    public ProblemHttpResult? Validate(
        ChatRequest request, IReadOnlyList<string>? asked, Caller caller, HttpContext context, out IReadOnlyList<ChatModel> models)
    {
        List<ChatModel> found = [];
        models = found;
        if (asked is not { Count: >= Fewest and <= Most } || asked.Any(string.IsNullOrWhiteSpace))
        {
            return Bad(context, "models_count", "The number of models is not possible.",
                $"Send {Fewest} to {Most} ids from GET /llm/models as models; these are {asked?.Count(id => !string.IsNullOrWhiteSpace(id)) ?? 0}.");
        }

        foreach (var id in asked)
        {
            if (validator.Validate(request with { Model = id }, caller, context, out var model) is { } problem)
            {
                return problem;
            }

            if (found.Contains(model))
            {
                return Bad(context, "models_repeated", $"The model '{model.Id}' is asked twice.", "Send each id in models once.");
            }

            found.Add(model);
        }

        return null;
    }

    /// <summary>Null when the check is possible; then <paramref name="result"/> is it.</summary>
    public static ProblemHttpResult? Validate(RaceCheck? check, HttpContext context, out AnswerCheck result)
    {
        result = null!;
        if (check?.MinCharacters < 0)
        {
            return Bad(context, "check_invalid", "The length of a good answer is not possible.", "Send accept.minCharacters from 0 on, or leave it out.");
        }

        try
        {
            result = check?.Pattern is { Length: > AnswerCheck.MaxPatternCharacters }
                ? throw new ArgumentException("The pattern is too long.")
                : new AnswerCheck(check);
            return null;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return Bad(context, "check_invalid", "The pattern of a good answer is not possible.",
                $"Send a regular expression of at most {AnswerCheck.MaxPatternCharacters} characters, without look-around and back-references, as accept.pattern.");
        }
    }

    private static ProblemHttpResult Bad(HttpContext context, string code, string title, string detail) =>
        Problems.Create(context, StatusCodes.Status400BadRequest, code, title, detail);
}
