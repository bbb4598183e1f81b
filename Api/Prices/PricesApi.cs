using LlmAspire.Api.Identity;
using LlmAspire.Api.Reports;
using LlmAspire.ServiceDefaults.Json;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http.HttpResults;

namespace LlmAspire.Api.Prices;

/// <summary>The price registry, for operators: what tokens cost, since when and who said so. See docs/prices.md.</summary>
internal static class PricesApi
{
    private const int MostReasonCharacters = 500;

    private static readonly TimeSpan UsualUnpricedTime = TimeSpan.FromDays(30);

    public static IEndpointRouteBuilder MapPricesApi(this IEndpointRouteBuilder app)
    {
        var prices = app.MapGroup("/prices").WithTags("Prices").RequireAuthorization(IdentityExtensions.OperatorPolicy)
            .ProducesProblem(StatusCodes.Status403Forbidden);

        prices.MapGet("", GetAsync)
            .WithName("GetPrices")
            .WithSummary("Shows the prices, the newest or as of a revision (operator).")
            .ProducesProblem(StatusCodes.Status404NotFound);

        prices.MapPut("", SaveAsync)
            .WithName("SavePrices")
            .WithSummary("Saves a change of prices as a new revision (operator).")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict);

        prices.MapGet("/history", GetHistoryAsync)
            .WithName("GetPriceHistory")
            .WithSummary("Lists what was ever said of a model's prices, the newest first (operator).")
            .ProducesProblem(StatusCodes.Status400BadRequest);

        prices.MapGet("/unpriced", GetUnpricedAsync)
            .WithName("GetUnpricedUsage")
            .LimitReports()
            .WithSummary("Lists the models that were used and have no price, with their calls; of the last 30 days unless from and to say otherwise (operator).")
            .ProducesProblem(StatusCodes.Status400BadRequest);

        prices.MapPost("/preview", PreviewAsync)
            .WithName("PreviewPrices")
            .LimitReports()
            .WithSummary("Says what a change would do to the cost of what was used already. Saves nothing (operator).")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict);

        prices.MapGet("/export", ExportAsync)
            .WithName("ExportPrices")
            .WithSummary("Gives what people said of prices, to be imported elsewhere (operator).");

        prices.MapPost("/import", ImportAsync)
            .WithName("ImportPrices")
            .WithSummary("Saves exported prices; what is in force already makes no revision (operator).")
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status409Conflict);

        return app;
    }

    private static async Task<Results<Ok<PriceList>, ProblemHttpResult>> GetAsync(
        long? asOfRevision, PriceRegistry registry, HttpContext context, CancellationToken cancellationToken) =>
        await registry.ReadAsync(asOfRevision, cancellationToken) is { } prices ? TypedResults.Ok(prices) : PriceProblems.RevisionUnknown(context);

    private static Task<Results<Ok<PricesSavedResponse>, ProblemHttpResult>> SaveAsync(
        PriceChangeRequest request, PriceRegistry registry, Caller caller, HttpContext context, CancellationToken cancellationToken) =>
        StoreAsync(request, PriceSource.Manual, registry, caller, context, cancellationToken);

    private static Task<Results<Ok<PricesSavedResponse>, ProblemHttpResult>> ImportAsync(
        PriceChangeRequest request, PriceRegistry registry, Caller caller, HttpContext context, CancellationToken cancellationToken) =>
        StoreAsync(request with { Reason = request.Reason ?? "Import" }, PriceSource.Import, registry, caller, context, cancellationToken);

    private static async Task<Results<Ok<PricesSavedResponse>, ProblemHttpResult>> StoreAsync(
        PriceChangeRequest request, PriceSource source, PriceRegistry registry, Caller caller, HttpContext context, CancellationToken cancellationToken)
    {
        if (EntriesOf(request) is not { } entries)
        {
            return PriceProblems.ChangesMissing(context);
        }

        if (string.IsNullOrWhiteSpace(request.Reason) || request.Reason.Length > MostReasonCharacters)
        {
            return PriceProblems.ReasonInvalid(context, MostReasonCharacters);
        }

        try
        {
            return TypedResults.Ok(new PricesSavedResponse(await registry.SaveAsync(
                source, context.User.Identity?.Name ?? caller.UserId.ToString(), request.Reason.Trim(), entries, request.ExpectedRevision,
                request.AcceptImplausible, cancellationToken)));
        }
        catch (PricesRefusedException refused)
        {
            return PriceProblems.Refused(context, refused.Problems);
        }
        catch (PricesChangedException changed)
        {
            return PriceProblems.Changed(context, changed.Revision);
        }
    }

    private static async Task<Results<Ok<IReadOnlyList<PriceRevision>>, ProblemHttpResult>> GetHistoryAsync(
        string? provider, string? model, PriceRegistry registry, HttpContext context, CancellationToken cancellationToken) =>
        string.IsNullOrEmpty(provider) || string.IsNullOrEmpty(model) || provider.Contains('\0', StringComparison.Ordinal) || model.Contains('\0', StringComparison.Ordinal)
            ? PriceProblems.ModelMissing(context)
            : TypedResults.Ok(await registry.ReadHistoryAsync(provider, model, cancellationToken));

    private static async Task<Results<Ok<IReadOnlyList<UnpricedUsage>>, ProblemHttpResult>> GetUnpricedAsync(
        string? from, string? to, PriceRegistry registry, TimeProvider time, HttpContext context, CancellationToken cancellationToken)
    {
        var until = time.GetUtcNow();
        if ((!string.IsNullOrEmpty(to) && !PointInTime.TryParse(to, out until)) || until < DateTimeOffset.UnixEpoch)
        {
            return PriceProblems.TimesInvalid(context);
        }

        var since = until - UsualUnpricedTime;
        return (!string.IsNullOrEmpty(from) && !PointInTime.TryParse(from, out since)) || since >= until
            ? PriceProblems.TimesInvalid(context)
            : TypedResults.Ok(await registry.ReadUnpricedAsync(long.MaxValue, since, until, cancellationToken));
    }

    private static async Task<Results<Ok<PricePreviewResponse>, ProblemHttpResult>> PreviewAsync(
        PriceChangeRequest request, PriceRegistry registry, PricePreview preview, HttpContext context, CancellationToken cancellationToken)
    {
        if (EntriesOf(request) is not { } entries)
        {
            return PriceProblems.ChangesMissing(context);
        }

        var revision = await registry.ReadNewestAsync(cancellationToken);
        if (request.ExpectedRevision is { } expected && expected != revision)
        {
            return PriceProblems.Changed(context, revision);
        }

        var problems = await registry.CheckAsync(entries, revision, cancellationToken);
        if (problems.Any(problem => !problem.CanBeAccepted))
        {
            return PriceProblems.Refused(context, problems);
        }

        var effects = await preview.CompareAsync(entries, revision, cancellationToken);
        return TypedResults.Ok(new PricePreviewResponse(revision, problems, effects.DifferenceUsd, effects.Effects));
    }

    private static async Task<Ok<PricesExport>> ExportAsync(PriceRegistry registry, CancellationToken cancellationToken)
    {
        var prices = (await registry.ReadAsync(null, cancellationToken))!;
        return TypedResults.Ok(new PricesExport(
            prices.Revision, prices.Entries.Where(saved => saved.Source != PriceSource.Gateway).Select(saved => saved.Entry)));
    }

    private static IReadOnlyList<PriceEntry>? EntriesOf(PriceChangeRequest request) =>
        request.Changes is { } changes && changes.All(change => change is not null) ? [.. changes.OfType<PriceEntry>()] : null;
}
