using System.Globalization;
using LlmAspire.Api.Http;
using LlmAspire.Api.Prompts.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Prompts;

/// <summary>What can be wrong with a prompt. Somebody else's private one does not exist.</summary>
internal static class PromptProblems
{
    public static ProblemHttpResult Unknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "prompt_unknown", "There is no such prompt.",
        "It was deleted, or it is not shared with you. GET /prompts lists those that you may use.");

    public static ProblemHttpResult VersionUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "prompt_version_unknown", "The prompt has no such version.",
        "GET /prompts/{id}/versions lists those that are kept; send the number of one as number.");

    public static ProblemHttpResult ReadOnly(HttpContext context) => Problems.Create(
        context, StatusCodes.Status403Forbidden, "prompt_read_only", "This prompt is somebody else's.",
        "Its owner and the admins of your organisation change it. Save a copy of your own with POST /prompts.");

    /// <param name="current">The newest version; null when another change came at the same moment.</param>
    public static ProblemHttpResult Changed(HttpContext context, int? current) => Problems.Create(
        context, StatusCodes.Status409Conflict, "prompt_changed", "The prompt was changed meanwhile.",
        "Nothing was saved. Read it again with GET /prompts/{id}, and send its version with your change.",
        extensions: current is { } version ? [KeyValuePair.Create<string, object?>("currentVersion", version)] : []);

    public static ProblemHttpResult Full(HttpContext context, int limit) => Problems.Create(
        context, StatusCodes.Status409Conflict, "prompts_full", "You have too many prompts.",
        $"There is room for {Count(limit)}. Delete some that you do not use any more.");

    public static ProblemHttpResult ModelMissing(HttpContext context) => Problems.Create(
        context, StatusCodes.Status503ServiceUnavailable, "prompt_model_missing", "This installation has no model that writes prompts.",
        "The operator names one in LLM_MODEL_PROMPT_GEN, an alias that the gateway serves. Saved prompts can be used all the same.");

    public static ProblemHttpResult CursorInvalid(HttpContext context) =>
        Bad(context, "cursor_invalid", "The cursor is not valid.", "Send next of the page before, unchanged.");

    public static ProblemHttpResult Bad(HttpContext context, string code, string title, string detail) =>
        Problems.Create(context, StatusCodes.Status400BadRequest, code, title, detail);

    /// <summary>Null when the name may be a prompt's.</summary>
    public static ProblemHttpResult? OfName(string? name, HttpContext context) =>
        string.IsNullOrWhiteSpace(name) || name.Length > Prompt.MaxNameCharacters || name.Contains('\0', StringComparison.Ordinal)
            ? Bad(context, "name_invalid", "The name is not valid.", $"Send 1 to {Prompt.MaxNameCharacters} characters in the property name.")
            : null;

    /// <summary>Null when the text may be a prompt's.</summary>
    public static ProblemHttpResult? OfText(string? text, int limit, HttpContext context) =>
        string.IsNullOrWhiteSpace(text) || text.Contains('\0', StringComparison.Ordinal)
            ? Bad(context, "text_empty", "The prompt has no text.", "Send what the model is to be told in the property text.")
            : text.Length > limit ? TooLong(context, "text", text.Length, limit) : null;

    public static ProblemHttpResult TooLong(HttpContext context, string property, int length, int limit) => Bad(
        context, $"{property}_too_long", $"The {property} is too long.", $"It has {Count(length)} characters; the limit is {Count(limit)}. Shorten it.");

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
