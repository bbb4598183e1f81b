using LlmAspire.Api.Http;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Reconciliation;

/// <summary>What goes wrong with reconciliation, in the words of <see cref="Problems"/>.</summary>
internal static class ReconciliationProblems
{
    public static ProblemHttpResult QueryInvalid(HttpContext context, IReadOnlyDictionary<string, string[]> errors) => Problems.Create(
        context, StatusCodes.Status400BadRequest, "query_invalid", "The query is not valid.", "Look at errors, which says by parameter what is possible.",
        extensions: [KeyValuePair.Create<string, object?>("errors", errors)]);

    public static ProblemHttpResult InvoiceRefused(HttpContext context, IReadOnlyList<InvoiceProblem> errors) => Problems.Create(
        context, StatusCodes.Status400BadRequest, "invoice_invalid", "Some lines are not valid.",
        "Look at errors, each of which names a line of the file. Nothing was imported.", extensions: [KeyValuePair.Create<string, object?>("errors", errors)]);

    public static ProblemHttpResult NotCsv(HttpContext context) => Problems.Create(
        context, StatusCodes.Status415UnsupportedMediaType, "content_type_unsupported", "The body is not CSV.",
        "Send the file as Content-Type: text/csv, in UTF-8.");

    public static ProblemHttpResult NotUtf8(HttpContext context) => Problems.Create(
        context, StatusCodes.Status400BadRequest, "encoding_invalid", "The file is not in UTF-8.", "Save it as CSV UTF-8 and import it again. Nothing was imported.");
}
