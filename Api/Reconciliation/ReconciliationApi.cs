using System.Net.Mime;
using System.Text;
using LlmAspire.Api.Http;
using LlmAspire.Api.Identity;
using LlmAspire.Api.Reports;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace LlmAspire.Api.Reconciliation;

/// <summary>The ledger beside what the gateway and the providers say, for operators. See docs/reconciliation.md.</summary>
internal static class ReconciliationApi
{
    private const string UsualName = "Invoice";

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static IEndpointRouteBuilder MapReconciliationApi(this IEndpointRouteBuilder app)
    {
        var reconciliation = app.MapGroup("/reconciliation").WithTags("Reconciliation").RequireAuthorization(IdentityExtensions.OperatorPolicy)
            .ExplainMoneyThatDoesNotFit()
            .ProducesProblem(StatusCodes.Status403Forbidden);

        reconciliation.MapGet("", GetAsync)
            .WithName("GetReconciliation")
            .LimitReports()
            .WithSummary("Compares the ledger with the gateway's logs and with invoices, by day, provider and model; of the last 30 days unless from and to say otherwise (operator).")
            .ProducesProblem(StatusCodes.Status400BadRequest);

        reconciliation.MapGet("/differences", GetDifferencesAsync)
            .WithName("GetReconciliationDifferences")
            .LimitReports()
            .WithSummary("Lists the calls of a day of which ledger and gateway say something else (operator).")
            .ProducesProblem(StatusCodes.Status400BadRequest);

        reconciliation.MapGet("/invoices", GetInvoicesAsync)
            .WithName("GetInvoiceImports")
            .WithSummary("Lists the invoices that were imported, the newest first (operator).");

        reconciliation.MapPost("/invoices", ImportAsync)
            .WithName("ImportInvoice")
            .WithSummary("Imports a provider's invoice as CSV: day,provider,model,prompt_tokens,completion_tokens,cost_usd and, if known, calls (operator).")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status415UnsupportedMediaType);

        return app;
    }

    private static async Task<Results<Ok<ReconciliationOverview>, ProblemHttpResult>> GetAsync(
        string? from, string? to, string? source, ReconciliationReport report, TimeProvider time, HttpContext context, CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string[]>();
        return ReconciliationQuery.Read(from, to, source, Today(time), errors) is { } query
            ? TypedResults.Ok(await report.ReadAsync(query.From, query.To, query.Gateway, query.Invoice, cancellationToken))
            : ReconciliationProblems.QueryInvalid(context, errors);
    }

    private static async Task<Results<Ok<IReadOnlyList<ReconciliationDifference>>, ProblemHttpResult>> GetDifferencesAsync(
        string? day, string? provider, string? model, ReconciliationReport report, HttpContext context, CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string[]>();
        if (ReconciliationQuery.Day("day", day, errors) is { } asked && !HasNul(provider) && !HasNul(model))
        {
            return TypedResults.Ok(await report.ReadDifferencesAsync(asked, provider, model, cancellationToken));
        }

        if (string.IsNullOrEmpty(day))
        {
            errors["day"] = ["Say which day, as 2026-11-22, in UTC."];
        }

        foreach (var name in new[] { ("provider", provider), ("model", model) }.Where(one => HasNul(one.Item2)).Select(one => one.Item1))
        {
            errors[name] = [$"Give the {name} as GET /reconciliation names it; an empty one is that of calls of which nobody knows it."];
        }

        return ReconciliationProblems.QueryInvalid(context, errors);
    }

    private static async Task<Ok<IReadOnlyList<InvoiceImport>>> GetInvoicesAsync(InvoiceRegistry invoices, CancellationToken cancellationToken) =>
        TypedResults.Ok(await invoices.ReadAsync(cancellationToken));

    private static async Task<Results<Ok<InvoiceImport>, ProblemHttpResult>> ImportAsync(
        string? name, InvoiceRegistry invoices, Caller caller, HttpContext context, CancellationToken cancellationToken)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) || !type.MediaType.Equals(MediaTypeNames.Text.Csv, StringComparison.OrdinalIgnoreCase))
        {
            return ReconciliationProblems.NotCsv(context);
        }

        var title = string.IsNullOrWhiteSpace(name) ? UsualName : name.Trim();
        if (title.Length > InvoiceRegistry.MostNameLength)
        {
            return ReconciliationProblems.QueryInvalid(
                context, new Dictionary<string, string[]> { ["name"] = [$"The name has up to {InvoiceRegistry.MostNameLength} characters."] });
        }

        try
        {
            using var file = new StreamReader(context.Request.Body, Utf8, detectEncodingFromByteOrderMarks: true, leaveOpen: true);
            return TypedResults.Ok(await invoices.ImportAsync(file, title, context.User.Identity?.Name ?? caller.UserId.ToString(), cancellationToken));
        }
        catch (InvoiceRefusedException refused)
        {
            return ReconciliationProblems.InvoiceRefused(context, refused.Problems);
        }
        catch (DecoderFallbackException)
        {
            return ReconciliationProblems.NotUtf8(context);
        }
    }

    private static DateOnly Today(TimeProvider time) => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    private static bool HasNul(string? text) => text?.Contains('\0', StringComparison.Ordinal) == true;
}
