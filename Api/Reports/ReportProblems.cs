using System.Globalization;
using LlmAspire.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Reports;

/// <summary>What goes wrong with reports, in the words of <see cref="Problems"/>.</summary>
internal static class ReportProblems
{
    /// <param name="errors">By the name of the parameter.</param>
    public static ProblemHttpResult Invalid(HttpContext context, IReadOnlyDictionary<string, string[]> errors) => Problems.Create(
        context, StatusCodes.Status400BadRequest, "report_invalid", "The report cannot be made of this.",
        $"Look at errors: {string.Join(", ", errors.Keys)}.", extensions: [KeyValuePair.Create<string, object?>("errors", errors)]);

    public static ProblemHttpResult TooLarge(HttpContext context, int most) => Invalid(context, new Dictionary<string, string[]>
    {
        ["groupBy"] = [$"There would be more than {most} groups: give a shorter time, a filter, or fewer things to group by."],
    });

    /// <param name="last">The last of the days (UTC) whose sums are by the day.</param>
    public static ProblemHttpResult HoursFolded(HttpContext context, DateOnly last) => Invalid(context, new Dictionary<string, string[]>
    {
        ["from"] =
        [
            string.Create(
                CultureInfo.InvariantCulture,
                $"Up to {last:yyyy-MM-dd} (UTC) sums are kept by the day only: give a later time, or whole days (UTC), and do not group by hour or by times of another zone."),
        ],
    });

    public static ProblemHttpResult TooSlow(HttpContext context) => Problems.Create(
        context, StatusCodes.Status503ServiceUnavailable, "report_too_slow", "The report took too long.",
        "Give a shorter time or a filter. Reports of whole hours, in a zone that is off UTC by whole hours and without asOf, are made of sums and take the least.");

    public static ProblemHttpResult TooMany(HttpContext context, int atOnce, int waiting, TimeSpan pause) => Problems.Create(
        context, StatusCodes.Status429TooManyRequests, "too_many_reports", "You ask for too many reports at once.",
        $"{atOnce} are made for you at a time, and {waiting} more may wait. Try again when they have come, or ask for one with more in it.", pause);

    public static ProblemHttpResult PinUnknown(HttpContext context) => Invalid(context, new Dictionary<string, string[]>
    {
        ["asOf"] = ["It is of the future, or of prices that there are not: give the asOf of an earlier answer."],
    });

    public static ProblemHttpResult ZoneUnknown(HttpContext context) => Invalid(context, new Dictionary<string, string[]>
    {
        ["zone"] = ["The database does not know this time zone. Give another IANA name of the same zone."],
    });

    public static ProblemHttpResult OperatorOnly(HttpContext context) => Problems.Create(
        context, StatusCodes.Status403Forbidden, "operator_required", "Only an operator of the installation may see this.",
        "Ask for scope=me, or for scope=organisation as its admin.");

    public static ProblemHttpResult CallUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "call_unknown", "There is no such call.", "GET /usage/calls lists those that you may see.");

    public static ProblemHttpResult OrganisationUnknown(HttpContext context) => Problems.Create(
        context, StatusCodes.Status404NotFound, "organisation_unknown", "There is no such organisation.", "GET /usage/summary?scope=all&groupBy=organisation lists those that have calls.");

    public static ProblemHttpResult CursorInvalid(HttpContext context) => Invalid(context, new Dictionary<string, string[]>
    {
        ["cursor"] = ["Give the next of the page before, as it was."],
    });

    public static ProblemHttpResult LimitInvalid(HttpContext context, int most) => Invalid(context, new Dictionary<string, string[]>
    {
        ["limit"] = [$"Give a number from 1 to {most}."],
    });

    public static ProblemHttpResult FormatInvalid(HttpContext context) => Invalid(context, new Dictionary<string, string[]>
    {
        ["format"] = ["Possible are csv and jsonl."],
    });
}
