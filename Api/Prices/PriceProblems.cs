using LlmAspire.Api.Http;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Prices;

/// <summary>What goes wrong with prices, in the words of <see cref="Problems"/>.</summary>
internal static class PriceProblems
{
    public static ProblemHttpResult Refused(HttpContext context, IReadOnlyList<PriceProblem> errors) => errors.All(error => error.CanBeAccepted)
        ? Bad(
            context, "prices_implausible", "Some prices look like a mistake.",
            "Look at errors: correct them, or send acceptImplausible: true when they are meant. Nothing was saved.", errors)
        : Bad(context, "prices_invalid", "Some prices are not valid.", "Look at errors, each of which names an entry of changes by its index. Nothing was saved.", errors);

    public static ProblemHttpResult Changed(HttpContext context, long revision) => Problems.Create(
        context, StatusCodes.Status409Conflict, "prices_changed", "The prices have changed meanwhile.",
        $"They are at revision {revision}. GET /prices shows them; look at your change again and send it with that expectedRevision.",
        extensions: [KeyValuePair.Create<string, object?>("revision", revision)]);

    public static ProblemHttpResult RevisionUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "revision_unknown", "There is no such revision.", "GET /prices shows the newest.");

    public static ProblemHttpResult ChangesMissing(HttpContext context) => Bad(
        context, "changes_missing", "There are no changes.", "Send a list of entries in the property changes, none of them null.");

    public static ProblemHttpResult ReasonInvalid(HttpContext context, int most) => Bad(
        context, "reason_invalid", "The reason is missing or too long.", $"Say in the property reason why the prices change, in up to {most} characters.");

    public static ProblemHttpResult ModelMissing(HttpContext context) => Bad(
        context, "model_missing", "The model is missing.", "Give provider and model in the query, as GET /prices shows them.");

    public static ProblemHttpResult TimesInvalid(HttpContext context) => Bad(
        context, "times_invalid", "The times are not valid.", "Give from before to, both with their offset from UTC, such as 2026-11-01T00:00:00Z; a + in an address is written %2B.");

    private static ProblemHttpResult Bad(HttpContext context, string code, string title, string detail, IReadOnlyList<PriceProblem>? errors = null) =>
        Problems.Create(
            context, StatusCodes.Status400BadRequest, code, title, detail,
            extensions: errors is null ? null : [KeyValuePair.Create<string, object?>("errors", errors)]);
}
